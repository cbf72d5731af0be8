"""The flow that keeps what bags need locked."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.outcome import outcome, recorded
from flows.runner import PrefectRunner, task_runner
from strongroom.usecases.context import Context
from strongroom.usecases.retain.run import retain as usecase


@flow(name="retain", task_runner=task_runner(), persist_result=False)
@recorded
def retain(*, stores: tuple[str, ...] = (), dry_run: bool = False, workers: int | None = None, quiet: bool = False) -> State[Any]:
    """Extend the locks in these stores (URLs; none: all that have a retention)."""
    with PrefectRunner(workers, quiet=quiet) as runner:
        return outcome(usecase(Context.from_environment(), runner, stores=stores, dry_run=dry_run))

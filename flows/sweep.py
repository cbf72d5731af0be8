"""The flow that removes what no bag needs, and what was withheld."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.outcome import outcome, recorded
from flows.runner import PrefectRunner, task_runner
from strongroom.usecases.context import Context
from strongroom.usecases.sweep.run import GRACE_DAYS
from strongroom.usecases.sweep.run import sweep as usecase


@flow(name="sweep", task_runner=task_runner(), persist_result=False)
@recorded
def sweep(
    *, stores: tuple[str, ...] = (), grace_days: float = GRACE_DAYS, void_open: bool = False, dry_run: bool = True,
    workers: int | None = None, quiet: bool = False,
) -> State[Any]:
    """Sweep these stores (URLs; none: all). Who starts it by hand deletes only with `dry_run` off."""
    with PrefectRunner(workers, quiet=quiet) as runner:
        context = Context.from_environment()
        return outcome(usecase(context, runner, stores=stores, grace_days=grace_days, void_open=void_open, dry_run=dry_run))

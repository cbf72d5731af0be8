"""The flow that identifies stored contents by the signatures of now."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.outcome import outcome, recorded
from flows.runner import PrefectRunner, task_runner
from strongroom.usecases.context import Context
from strongroom.usecases.identify.run import identify as usecase


@flow(name="identify", task_runner=task_runner(), persist_result=False)
@recorded
def identify(
    *, name: str | None = None, version: int | None = None, source: str | None = None, workers: int | None = None, quiet: bool = False
) -> State[Any]:
    """Identify the contents of one bag, of all of a collection, or of every bag that is known; `source`: a store to read from first."""
    with PrefectRunner(workers, quiet=quiet) as runner:
        return outcome(usecase(Context.from_environment(), runner, name=name, version=version, source=source))

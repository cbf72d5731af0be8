"""The flow that makes the catalogue again from stores."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.outcome import outcome, recorded
from flows.runner import PrefectRunner, task_runner
from strongroom.usecases.context import Context
from strongroom.usecases.rebuild.run import RebuildRequest
from strongroom.usecases.rebuild.run import rebuild as usecase


@flow(name="rebuild", task_runner=task_runner(), persist_result=False)
@recorded
def rebuild(
    stores: tuple[str, ...], *, deep: bool = False, replace: bool = False, workers: int | None = None, quiet: bool = False,
) -> State[Any]:
    """Make the catalogue again from the stores at these URLs, as in RebuildRequest."""
    with PrefectRunner(workers, quiet=quiet) as runner:
        return outcome(usecase(RebuildRequest(tuple(stores), deep, replace), Context.from_environment(), runner))

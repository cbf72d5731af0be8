"""The flow that compares the logs and seals of stores."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.outcome import outcome, recorded
from flows.runner import PrefectRunner, task_runner
from strongroom.usecases.context import Context
from strongroom.usecases.history.run import verify_logs


@flow(name="logs", task_runner=task_runner(), persist_result=False)
@recorded
def logs(*, stores: tuple[str, ...] = (), workers: int | None = None, quiet: bool = False) -> State[Any]:
    """Compare the logs and seals of the stores at these URLs (default: those the catalogue knows)."""
    with PrefectRunner(workers, quiet=quiet) as runner:
        return outcome(verify_logs(tuple(stores), Context.from_environment(), runner))

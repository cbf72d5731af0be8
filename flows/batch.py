"""The flow that has a provider compute checksums of cold objects, one step each run."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.outcome import outcome, recorded
from flows.runner import PrefectRunner, task_runner
from strongroom.usecases.batch.run import BatchRequest
from strongroom.usecases.batch.run import batch as usecase
from strongroom.usecases.context import Context


@flow(name="batch", task_runner=task_runner(), persist_result=False)
@recorded
def batch(
    store: str, *, account: str | None = None, role: str | None = None, reports: str | None = None, spend: bool = False,
    everything: bool = False, workers: int | None = None, quiet: bool = False,
) -> State[Any]:
    """The next step of a batch job over the store at this URL; see BatchRequest."""
    with PrefectRunner(workers, quiet=quiet) as runner:
        return outcome(usecase(BatchRequest(store, account, role, reports, spend, everything), Context.from_environment(), runner))

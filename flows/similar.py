"""The flow that searches for near-copies."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.outcome import outcome, recorded
from flows.runner import PrefectRunner, task_runner
from strongroom.usecases.context import Context
from strongroom.usecases.likeness.run import SimilarRequest
from strongroom.usecases.likeness.run import similar as usecase


@flow(name="similar", task_runner=task_runner(), persist_result=False)
@recorded
def similar(
    *, names: tuple[str, ...] = (), threshold: float = 0.8, contained: float = 0.6, workers: int | None = None, quiet: bool = False,
) -> State[Any]:
    """Find the near-copies of what these collections hold (none: all that everybody may see)."""
    request = SimilarRequest(tuple(names), threshold=threshold, contained=contained)
    with PrefectRunner(workers, quiet=quiet) as runner:
        return outcome(usecase(request, Context.from_environment(), runner))

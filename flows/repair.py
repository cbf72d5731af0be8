"""The flow that heals what audits found damaged or missing."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.outcome import outcome, recorded
from flows.runner import PrefectRunner, task_runner
from strongroom.usecases.context import Context
from strongroom.usecases.repair.run import repair as usecase
from strongroom.usecases.replicate.manifests import known_manifests


@flow(name="repair", task_runner=task_runner(), persist_result=False)
@recorded
def repair(*, stores: tuple[str, ...] = (), from_source: bool = False, workers: int | None = None, quiet: bool = False) -> State[Any]:
    """Repair these stores (URLs; none: all), from other stores and, if wanted, the sources of the collections."""
    context = Context.from_environment()
    manifests, findings = known_manifests(context) if from_source else ([], [])
    with PrefectRunner(workers, quiet=quiet) as runner:
        return outcome(usecase(context, runner, stores=stores, manifests=manifests, findings=findings))

"""The flow that does whatever the attached stores need."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.outcome import outcome, recorded
from flows.runner import PrefectRunner, task_runner
from strongroom.usecases.context import Context
from strongroom.usecases.due.run import due as usecase
from strongroom.usecases.replicate.manifests import load_manifests


@flow(name="due", task_runner=task_runner(), persist_result=False)
@recorded
def due(
    *, manifests: tuple[str, ...] = (), spool_bytes: int = 0, from_source: bool = False, workers: int | None = None, quiet: bool = False,
) -> State[Any]:
    """Replicate, audit and repair what the attached stores need, for these collection manifests (none: all that the catalogue knows)."""
    context = Context.from_environment()
    described, findings = load_manifests(manifests, context)
    with PrefectRunner(workers, quiet=quiet) as runner:
        return outcome(usecase(described, context, runner, spool_bytes=spool_bytes, from_source=from_source, findings=findings))

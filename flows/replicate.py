"""The flow that brings every bag to every store it belongs in."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.outcome import outcome, recorded
from flows.runner import PrefectRunner, task_runner
from strongroom.usecases.context import Context
from strongroom.usecases.replicate.manifests import load_manifests
from strongroom.usecases.replicate.run import replicate as usecase


@flow(name="replicate", task_runner=task_runner(), persist_result=False)
@recorded
def replicate(*, manifests: tuple[str, ...] = (), spool_bytes: int = 0, workers: int | None = None, quiet: bool = False) -> State[Any]:
    """Replicate the collections of these collection manifests (paths; none: all that the catalogue knows)."""
    context = Context.from_environment()
    described, findings = load_manifests(manifests, context)
    with PrefectRunner(workers, quiet=quiet) as runner:
        return outcome(usecase(described, context, runner, spool_bytes=spool_bytes, findings=findings))

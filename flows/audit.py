"""The flow that audits what stores hold."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.outcome import outcome, recorded
from flows.runner import PrefectRunner, task_runner
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit as usecase
from strongroom.usecases.context import Context


@flow(name="audit", task_runner=task_runner(), persist_result=False)
@recorded
def audit(
    name: str | None = None, *, version: int | None = None, stores: tuple[str, ...] = (), quick: bool = False,
    max_bytes: int | None = None, max_minutes: float | None = None, max_age_days: float | None = None,
    everything: bool = False, workers: int | None = None, quiet: bool = False,
) -> State[Any]:
    """Audit what the collection `name` (default: all) has in the stores at these URLs (default: all known), as in AuditRequest."""
    request = AuditRequest(name, version, tuple(stores), quick, max_bytes, max_minutes, max_age_days, everything)
    with PrefectRunner(workers, quiet=quiet) as runner:
        return outcome(usecase(request, Context.from_environment(), runner))

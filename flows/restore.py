"""The flow that restores a bag, or files of one."""

# No `from __future__ import annotations`: Prefect looks for the names of types where `recorded` stands.
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.outcome import outcome, recorded
from flows.runner import PrefectRunner, task_runner
from strongroom.core.digests import Digest
from strongroom.core.warmth import THAWED_DAYS, Thawing, Tier
from strongroom.usecases.context import Context
from strongroom.usecases.restore import RestoreRequest
from strongroom.usecases.restore.run import restore as usecase


@flow(name="restore", flow_run_name="restore {name}", task_runner=task_runner(), persist_result=False)
@recorded
def restore(
    name: str, dest: str, *, version: int | None = None, payload_only: bool = False, paths: tuple[str, ...] = (),
    source: str | None = None, into: bool = False, seal: str | None = None, yes_spend: bool = False,
    wait: bool = False, tier: Tier = "bulk", thaw_days: int = THAWED_DAYS, workers: int | None = None, quiet: bool = False,
) -> State[Any]:
    """Restore the bag `name`/v`version` (default: the latest) to the folder `dest`; the rest as in RestoreRequest, `seal` in hex."""
    request = RestoreRequest(
        name=name, dest=Path(dest), version=version, payload_only=payload_only, paths=paths, source=source, into=into,
        seal=Digest(seal) if seal else None, thawing=Thawing(yes_spend, wait, tier, thaw_days),
    )
    with PrefectRunner(workers, quiet=quiet) as runner:
        return outcome(usecase(request, Context.from_environment(), runner))

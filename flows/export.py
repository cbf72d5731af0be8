"""The flow that exports a bag, or a collection as an OCFL object."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.outcome import outcome, recorded
from flows.runner import PrefectRunner, task_runner
from strongroom.core.digests import Digest
from strongroom.usecases.context import Context
from strongroom.usecases.export.request import ExportRequest
from strongroom.usecases.export.run import export as usecase


@flow(name="export", flow_run_name="export {name}", task_runner=task_runner(), persist_result=False)
@recorded
def export(
    name: str, dest: str, form: str, *, version: int | None = None, profile: str | None = None, ro_crate: bool = False,
    premis: bool = False, ocfl_root: bool = False, source: str | None = None, seals: tuple[str, ...] = (), workers: int | None = None,
    quiet: bool = False,
) -> State[Any]:
    """Export `name`/v`version` (default: the latest) to `dest`, as in ExportRequest; `seals` in hex."""
    request = ExportRequest(
        name, Path(dest), form, version=version, profile=Path(profile) if profile else None, ro_crate=ro_crate, premis=premis,
        ocfl_root=ocfl_root, source=source, seals=tuple(Digest(seal) for seal in seals),
    )
    with PrefectRunner(workers, quiet=quiet) as runner:
        return outcome(usecase(request, Context.from_environment(), runner))

"""The flow that takes in bags that others made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.outcome import outcome, recorded
from flows.runner import PrefectRunner, task_runner
from strongroom.unpacking.limits import Limits
from strongroom.usecases.context import Context
from strongroom.usecases.imports.request import ImportRequest
from strongroom.usecases.imports.run import import_bags

_LIMITS = Limits()


@flow(name="imports", task_runner=task_runner(), persist_result=False)
@recorded
def imports(
    bags: tuple[str, ...], *, stores: tuple[str, ...] = (), settings: str | None = None, collection: str | None = None,
    staging: str | None = None, fetched: bool = False, replicas: bool = True, max_files: int = _LIMITS.files,
    max_bytes: int = _LIMITS.size, max_ratio: int = _LIMITS.ratio, workers: int | None = None, quiet: bool = False,
) -> State[Any]:
    """Import the bags at these absolute paths, as in ImportRequest."""
    request = ImportRequest(
        tuple(map(Path, bags)), tuple(stores), Path(settings) if settings else None, collection, Path(staging) if staging else None,
        replace(_LIMITS, files=max_files, size=max_bytes, ratio=max_ratio), fetched, replicas,
    )
    with PrefectRunner(workers, quiet=quiet) as runner:
        return outcome(import_bags(request, Context.from_environment(), runner))

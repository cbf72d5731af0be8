"""The flow that makes a package of collections for another institution."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.outcome import outcome, recorded
from flows.runner import PrefectRunner, task_runner
from strongroom.core.digests import Digest
from strongroom.usecases.context import Context
from strongroom.usecases.handover.report import HandoverRequest
from strongroom.usecases.handover.run import handover as usecase


@flow(name="handover", task_runner=task_runner(), persist_result=False)
@recorded
def handover(
    names: tuple[str, ...], dest: str, *, form: str = "tar", source: str | None = None, seals: tuple[str, ...] = (),
    workers: int | None = None, quiet: bool = False,
) -> State[Any]:
    """Hand over the collections `names` in the new folder `dest`, as in HandoverRequest; `seals` in hex."""
    request = HandoverRequest(tuple(names), Path(dest), form, source, tuple(Digest(seal) for seal in seals))
    with PrefectRunner(workers, quiet=quiet) as runner:
        return outcome(usecase(request, Context.from_environment(), runner))

"""The flow that makes the next bag of a collection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.outcome import outcome, recorded
from flows.runner import PrefectRunner, task_runner
from strongroom.collections import find, load
from strongroom.usecases.context import Context
from strongroom.usecases.replicate.after import archive_and_replicate


@flow(name="archive", flow_run_name="archive {collection}", task_runner=task_runner(), persist_result=False)
@recorded
def archive(
    collection: str, *, manifest: str | None = None, dry_run: bool = False, accept_loss: bool = False, reread: bool = False,
    sign: bool = True, replicas: bool = True, workers: int | None = None, quiet: bool = False,
) -> State[Any]:
    """Archive `collection`, described by the collection manifest at the path `manifest`, or else found by its name."""
    described = load(Path(manifest) if manifest else find(collection))
    with PrefectRunner(workers, quiet=quiet) as runner:
        return outcome(archive_and_replicate(
            described, Context.from_environment(), runner, replicas=replicas, dry_run=dry_run, accept_loss=accept_loss, reread=reread,
            sign=sign,
        ))

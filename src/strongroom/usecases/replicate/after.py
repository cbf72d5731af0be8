"""An archive run, and the replicas of its bag in the same run."""

from __future__ import annotations

from dataclasses import replace

from strongroom.collections.model import CollectionManifest
from strongroom.core.errors import StrongroomError
from strongroom.core.findings import Code, Finding
from strongroom.runner.interface import Runner
from strongroom.usecases.archive.delivery import Delivery
from strongroom.usecases.archive.report import ArchiveReport
from strongroom.usecases.archive.run import archive
from strongroom.usecases.context import Context
from strongroom.usecases.replicate.report import ReplicateReport
from strongroom.usecases.replicate.run import replicate


def archive_and_replicate(
    manifest: CollectionManifest, context: Context, runner: Runner, *, replicas: bool = True,
    dry_run: bool = False, accept_loss: bool = False, reread: bool = False, sign: bool = True, delivery: Delivery | None = None,
) -> ArchiveReport:
    """Make the next bag, then bring every bag to the other stores of the manifest that are attached, unless `replicas` is off.

    The other parameters, and what is raised, as in archive. A run that was refused replicates nothing. Whatever ends the replication, the
    bag that was made before is said.
    """
    report = archive(manifest, context, runner, dry_run=dry_run, accept_loss=accept_loss, reread=reread, sign=sign,
                     delivery=delivery)
    if dry_run or not replicas or len(manifest.stores) < 2 or report.outcome == "refused":
        return report
    try:
        return replace(report, notes=(), replication=replicate([manifest], context, runner))
    except StrongroomError as error:
        code = Code.NOT_REPLICATED if error.exit_status == 1 else Code.STORE_SKIPPED
        failed = Finding(code, manifest.name, f"its bags could not be brought to its other stores: {error}")
        runner.finding(failed)
        return replace(report, replication=ReplicateReport((), (failed,), unreachable=True))
    except BaseException:  # a defect, or somebody who would not wait
        runner.say(report.summary()[0])
        raise

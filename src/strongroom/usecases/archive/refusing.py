"""When no bag is made: too much of the source is gone, or the manifest says so of what was found."""

from __future__ import annotations

from collections.abc import Iterable

from strongroom.collections.model import CollectionManifest
from strongroom.core.errors import RefusedError
from strongroom.core.findings import Code, Finding
from strongroom.database import Where
from strongroom.usecases.archive import gather
from strongroom.usecases.archive.predecessor import Predecessor
from strongroom.usecases.archive.spool import Spool
from strongroom.usecases.withheld.tombstones import Withheld


def refuse_loss(
    manifest: CollectionManifest, spool: Spool, catalogue: Where, before: Predecessor, withheld: Withheld,
) -> None:
    """Raises RefusedError if more of the files of the bag before are gone from the source than `max_loss` allows."""
    last = before.last
    if last.seal is None or last.digest is None or before.files is None:
        return
    there = gather.still_there(spool, catalogue, manifest.name, last.digest)
    if last.seal.payload_files - there <= manifest.max_loss * last.seal.payload_files:
        return  # enough of it is there, and the list of its paths need not be read
    gather.load_previous_paths(spool, before.files, withheld)
    gone, had, examples = gather.lost(spool)
    if had and gone / had > manifest.max_loss:
        shown = ", ".join([path.removeprefix("data/") for path in examples] + ["…"] * (gone > len(examples)))
        raise RefusedError(
            f"{manifest.source}: {gone:,} of the {had:,} files of {last.seal.bag} are gone ({shown}), more than the "
            f"{manifest.max_loss:.0%} that `max_loss` allows. No bag was made. If the source is complete as it is, "
            "run this again with --accept-loss"
        )


def must_refuse(manifest: CollectionManifest, findings: Iterable[Finding]) -> bool:
    """Whether what was found makes a bag impossible, whatever else is in the source."""
    codes = {finding.code for finding in findings}
    wrong_bytes = manifest.metadata.on_invalid == "refuse" and Code.CHECKSUM_MISMATCH in codes
    return wrong_bytes or bool(codes & {Code.SOURCE_SYMLINK, Code.IMPORT_CHANGED})

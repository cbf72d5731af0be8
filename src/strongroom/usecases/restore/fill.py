"""Writing the files of a plan, and saying what could not be had."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Final

from strongroom.core.errors import DestinationError
from strongroom.core.findings import Code, Finding
from strongroom.runner.interface import Runner
from strongroom.stores.interface import Store
from strongroom.usecases.restore.gather import gather, groups
from strongroom.usecases.restore.plan import SKIPPED, UNREAD, UNSOUND, Plan
from strongroom.usecases.restore.write import WriteBatch, WriteResult, weigh, write_batch
from strongroom.usecases.sealed.bag import SealedBag
from strongroom.usecases.sealed.collector import Collector

#: The least that a batch costs.
_SMALLEST: Final = 64 << 20
#: What making a file costs, in bytes that could be read and hashed in that time.
_FILE_COST: Final = 32 << 10


def fill(bag: SealedBag, plan: Plan, root: Path, runner: Runner, collector: Collector) -> tuple[str, ...]:
    """Write every file of the plan below `root`; the URLs of the stores that contents came from.

    Raises DestinationError if the destination takes no more, StoreUnreachableError if no store answered to the end.
    """
    used: dict[str, None] = {}
    gather(bag, plan, runner, collector, lambda store: _write(plan, root, store, runner, collector, used))
    return tuple(used)


def _write(plan: Plan, root: Path, store: Store, runner: Runner, collector: Collector, used: dict[str, None]) -> None:
    """Carry out the plan's job."""
    batches = [WriteBatch(plan.path, root, store, keys) for keys in groups(plan, smallest=_SMALLEST, file_cost=_FILE_COST)]
    files = plan.one("SELECT count(*) FROM file f JOIN job j ON j.content = f.content WHERE f.state = 0")
    size = plan.one(
        "SELECT sum(c.size) FROM file f JOIN job j ON j.content = f.content JOIN content c ON c.id = f.content WHERE f.state = 0")
    for result in runner.map("restore", write_batch, batches, files=files, size=size, weigh=weigh):
        result.settle(plan, store, collector)
        _report(plan, result, collector)
        if result.files:
            used[store.url] = None


def _report(plan: Plan, result: WriteResult, collector: Collector) -> None:
    plan.set_states(SKIPPED, (number for number, _, _ in result.refused))
    for _, path, why in result.refused:
        collector.add(Finding(Code.RESTORE_REFUSED, path, why))
    if result.broken is not None:
        raise DestinationError(f"{result.broken}; put it right and run the same restore again, which goes on from here")


def report_lost(bag: SealedBag, plan: Plan, collector: Collector) -> int:
    """A finding for each file whose content could not be had; how many."""
    query = (
        "SELECT f.path, c.sha, c.trouble, EXISTS (SELECT 1 FROM cold WHERE content = c.id) FROM file f JOIN content c ON c.id = f.content "
        "WHERE f.state = 0 AND c.done = 0 ORDER BY f.id"
    )
    lost = 0
    rows = plan.rows(query)
    while batch := list(islice(rows, 1000)):
        lost += len(batch)
        for path, sha, trouble, cold in batch:
            place = f"{bag.id}: {path}"
            if cold:
                what = f"its content {sha.hex()} must be thawed first: `strongroom restore {bag.id}` says what that costs, and asks for it"
                collector.add(Finding(Code.UNREADABLE, place, what))
            elif trouble == UNREAD:
                what = f"its content {sha.hex()} could not be read where it lies, and no other copy is sound"
                collector.add(Finding(Code.UNREADABLE, place, what))
            elif trouble == UNSOUND:
                collector.add(Finding(Code.CONTENT_DAMAGED, place, f"no copy of its content {sha.hex()} that could be read is sound"))
            elif bag.places.skipped:
                what = f"its content {sha.hex()} is not in the stores that answered, and not every store did"
                collector.add(Finding(Code.NOT_REACHED, place, what))
            else:
                collector.add(Finding(Code.CONTENT_MISSING, place, f"its content {sha.hex()} is in none of the stores that hold the bag"))
    return lost

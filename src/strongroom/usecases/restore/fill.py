"""Getting every content of a plan: from the first store by its hints, then harder and further afield, until nothing is missing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from strongroom.core.errors import DestinationError, StoreUnreachableError
from strongroom.core.findings import Code, Finding
from strongroom.runner.interface import Runner
from strongroom.stores.interface import Store
from strongroom.usecases.restore.locate import Level, locate
from strongroom.usecases.restore.plan import SKIPPED, Plan
from strongroom.usecases.restore.write import WriteBatch, WriteResult, weigh, write_batch
from strongroom.usecases.sealed.bag import SealedBag
from strongroom.usecases.sealed.collector import Collector

#: A restore has about this many batches, whatever its size; each at least _SMALLEST in cost.
_BATCHES: Final = 32
_SMALLEST: Final = 64 << 20
#: What making a file costs, in bytes that could be read and hashed in that time.
_FILE_COST: Final = 32 << 10


def fill(bag: SealedBag, plan: Plan, root: Path, runner: Runner, collector: Collector) -> tuple[str, ...]:
    """Write every file of the plan below `root`; the URLs of the stores that contents came from.

    Raises DestinationError if the destination takes no more, StoreUnreachableError if no store answered to the end.
    """
    used: dict[str, None] = {}
    silent: set[int] = set()
    asked = 0
    for level in Level:
        for number, store in enumerate(bag.places):
            if not plan.missing():
                return tuple(used)
            if number in silent:
                continue
            asked = max(asked, number + 1)
            try:
                locate(plan, number, store, level, bag.id, runner, collector)
                while plan.assign(number):
                    _write(plan, root, store, runner, collector, used)
            except StoreUnreachableError as error:
                silent.add(number)
                bag.places.give_up(store, error)
    if plan.missing() and len(silent) == asked:
        raise StoreUnreachableError(f"{bag.id}: none of the stores that hold it answered to the end; run again when one can be reached")
    return tuple(used)


def _write(plan: Plan, root: Path, store: Store, runner: Runner, collector: Collector, used: dict[str, None]) -> None:
    """Carry out the plan's job."""
    batches = [WriteBatch(plan.path, root, store, keys) for keys in _groups(plan)]
    files = plan.one("SELECT count(*) FROM file f JOIN job j ON j.content = f.content WHERE f.state = 0")
    size = plan.one(
        "SELECT sum(c.size) FROM file f JOIN job j ON j.content = f.content JOIN content c ON c.id = f.content WHERE f.state = 0")
    for result in runner.map("restore", write_batch, batches, files=files, size=size, weigh=weigh):
        plan.finish_keys(result.keys, result.failed)
        _report(plan, store, result, collector)
        if result.files:
            used[store.url] = None


def _report(plan: Plan, store: Store, result: WriteResult, collector: Collector) -> None:
    plan.set_states(SKIPPED, (number for number, _, _ in result.refused))
    for _, path, why in result.refused:
        collector.add(Finding(Code.RESTORE_REFUSED, path, why))
    for key in result.bad_keys:
        what = "not everything that should lie here does, with the right digest; other copies are looked for"
        collector.add(Finding(Code.COPY_DAMAGED, f"{store.url}: {key}", what))
    if result.broken is not None:
        raise DestinationError(f"{result.broken}; put it right and run the same restore again, which goes on from here")


def _groups(plan: Plan) -> Iterator[tuple[str, ...]]:
    """The keys of the job in batches of about equal cost, in the order of the bag."""
    cost = f"sum(CASE WHEN j.length < 0 THEN ifnull(c.size, 0) ELSE j.length END) + count(*) * {_FILE_COST}"
    query = f"SELECT j.key, {cost} FROM job j JOIN content c ON c.id = j.content GROUP BY j.key ORDER BY min(j.content)"  # noqa: S608
    total = plan.one(f"SELECT {cost} FROM job j JOIN content c ON c.id = j.content")  # noqa: S608
    limit = max(_SMALLEST, total // _BATCHES)
    keys: list[str] = []
    size = 0
    for key, value in plan.rows(query):
        keys.append(key)
        size += value
        if size >= limit:
            yield tuple(keys)
            keys, size = [], 0
    if keys:
        yield tuple(keys)


def report_lost(bag: SealedBag, plan: Plan, collector: Collector) -> int:
    """A finding for each file whose content could not be had; how many."""
    query = (
        "SELECT f.path, c.sha, EXISTS (SELECT 1 FROM place p WHERE p.content = c.id) FROM file f JOIN content c ON c.id = f.content "
        "WHERE f.state = 0 AND c.done = 0 ORDER BY f.id"
    )
    lost = 0
    rows = plan.rows(query)
    while batch := list(islice(rows, 1000)):
        lost += len(batch)
        for path, sha, seen in batch:
            place = f"{bag.id}: {path}"
            if seen:
                collector.add(Finding(Code.CONTENT_DAMAGED, place, f"no copy of its content {sha.hex()} that could be read is sound"))
            elif bag.places.skipped:
                what = f"its content {sha.hex()} is not in the stores that answered, and not every store did"
                collector.add(Finding(Code.NOT_REACHED, place, what))
            else:
                collector.add(Finding(Code.CONTENT_MISSING, place, f"its content {sha.hex()} is in none of the stores that hold the bag"))
    return lost

"""Getting every content of a plan: from the first store by its hints, then harder and further afield, until nothing is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from strongroom.core.errors import StoreUnreachableError
from strongroom.runner.interface import Runner
from strongroom.stores.generations import answers
from strongroom.stores.interface import Store
from strongroom.usecases.restore.locate import Level, locate
from strongroom.usecases.restore.plan import Plan
from strongroom.usecases.sealed.bag import SealedBag
from strongroom.usecases.sealed.collector import Collector

#: A plan has about this many batches, whatever its size; each at least _SMALLEST in cost.
_BATCHES: Final = 32


def gather(bag: SealedBag, plan: Plan, runner: Runner, collector: Collector, carry_out: Callable[[Store], None]) -> None:
    """Have `carry_out` do the plan's job, which it marks as done as far as it comes, for one store after another.

    Raises StoreUnreachableError if no store answered to the end.
    """
    silent: set[int] = set()
    asked = 0
    for level in Level:
        for number, store in enumerate(bag.places):
            if not plan.missing():
                return
            if level > Level.HINTS and plan.missing() == plan.frozen():
                return  # it is known where all of it lies: looking harder would not thaw it
            if number in silent:
                continue
            asked = max(asked, number + 1)
            try:
                try:
                    locate(plan, number, store, level, bag.id, runner, collector, stubborn=True)
                except StoreUnreachableError as error:
                    if not answers(store):
                        raise
                    bag.places.give_up(store, error)  # a folder it does not list; what it named before that is there to be read
                while plan.assign(number):
                    carry_out(store)
            except StoreUnreachableError as error:
                silent.add(number)
                bag.places.give_up(store, error)
    if plan.missing() and len(silent) == asked:
        raise StoreUnreachableError(f"{bag.id}: none of the stores that hold it answered to the end; run again when one can be reached")


def groups(plan: Plan, *, smallest: int, largest: int | None = None, file_cost: int = 0) -> Iterator[tuple[str, ...]]:
    """The keys of the job in batches of about equal cost, in the order of the bag. A batch costs at least `smallest` (in bytes that
    could be read and hashed in that time), if it is not the last, and more than `largest` by no more than its last key; each content
    costs `file_cost` besides its bytes."""
    cost = f"sum(CASE WHEN j.length < 0 THEN ifnull(c.size, 0) ELSE j.length END) + count(*) * {file_cost}"
    query = f"SELECT j.key, {cost} FROM job j JOIN content c ON c.id = j.content GROUP BY j.key ORDER BY min(j.content)"  # noqa: S608
    total = plan.one(f"SELECT {cost} FROM job j JOIN content c ON c.id = j.content")  # noqa: S608
    limit = max(smallest, total // _BATCHES)
    if largest is not None:
        limit = min(limit, largest)
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

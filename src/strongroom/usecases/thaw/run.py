"""What a plan needs out of cold storage classes: looked at, priced, asked for once, and waited for.

What was asked for is remembered by the store, object by object, and nowhere else: so any machine goes on, and nothing is asked for twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from strongroom.core.errors import NotFoundInStoreError, StrongroomError
from strongroom.core.keys import StoreKey
from strongroom.core.plural import plural
from strongroom.core.prices import Prices, dollars
from strongroom.core.sizes import human_size
from strongroom.core.warmth import TIERS, State, Thawing
from strongroom.runner.interface import Runner
from strongroom.stores.interface import Store
from strongroom.usecases.restore.plan import Plan

_THREADS: Final = 8
_AT_ONCE: Final = 1000
_PAUSE: Final = 300.0  # seconds between two looks


class ColdError(StrongroomError):
    """What is needed must be thawed first: it was not allowed to cost anything, or is not there yet. The same command goes on."""


@dataclass(frozen=True, slots=True)
class _Group:
    store: int
    storage_class: str
    objects: int
    size: int  # bytes


def thaw(
    plan: Plan, stores: Sequence[Store], thawing: Thawing, prices: Prices, runner: Runner, what: str,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Have every content of the plan that is cold thawed, out of the first store that has it; `stores` by their numbers in the plan, `what`
    is needed. When this returns, all of it can be read.

    Raises ColdError, StoreError.
    """
    _look(plan, stores, runner)
    cold = _groups(plan, State.COLD)
    if cold:
        if not thawing.spend:
            raise ColdError("\n".join(_offer(plan, stores, cold, thawing, prices, what)))
        _check_tier(cold, thawing, prices)
        count = plural(sum(one.objects for one in cold), "object")
        runner.say(f"{what}: asking for {count}, about {dollars(_price(cold, thawing, prices))}")
        _ask(plan, stores, thawing, runner)
    if not plan.one("SELECT count(*) FROM thaw WHERE state IN ('cold', 'thawing')"):
        return
    if not thawing.wait:
        raise ColdError(_come_again(plan, thawing, prices, what))
    runner.say(_come_again(plan, thawing, prices, what))
    while plan.one("SELECT count(*) FROM thaw WHERE state IN ('cold', 'thawing')"):
        sleep(_PAUSE)
        _look(plan, stores, runner, "state = 'thawing'")
        if again := plan.one("SELECT count(*) FROM thaw WHERE state = 'cold'"):  # or whoever waits would wait for ever
            which = plural(again, "object that was asked for is", "objects that were asked for are")
            raise ColdError(f"{what}: {which} cold again: the request failed there, or ran out. The same command asks for it once more")



def _look(plan: Plan, stores: Sequence[Store], runner: Runner, again: str = "") -> None:
    """Into the table `thaw`: each object once, with its class, size and state. One that is gone is in no state."""
    if not again:
        with plan.transaction():
            plan.db.execute("DELETE FROM thaw")
            plan.db.execute("INSERT OR IGNORE INTO thaw SELECT store, key, '', 'cold', 0 FROM cold c WHERE store = "
                            "(SELECT min(store) FROM cold d WHERE d.content = c.content)")
    where = f"WHERE {again}" if again else ""
    total = plan.one(f"SELECT count(*) FROM thaw {where}")  # noqa: S608 -- of our own making
    with runner.stage("look at cold objects", files=total) as progress, ThreadPoolExecutor(_THREADS) as pool:
        for some in _chunks(plan, where):
            found = pool.map(lambda row: _warmth(stores[row[0]], row[1]), some)
            plan.db.executemany("UPDATE thaw SET class = ?, state = ?, size = ? WHERE store = ? AND key = ?",
                                ((*warmth, *row) for row, warmth in zip(some, found, strict=True)))
            progress.advance(len(some))


def _warmth(store: Store, key: str) -> tuple[str, str, int]:
    try:
        found = store.warmth(StoreKey(key))
    except NotFoundInStoreError:
        return "", "gone", 0
    return found.storage_class, found.state.value, found.size


def _chunks(plan: Plan, where: str) -> Iterator[list[tuple[int, str]]]:
    after = (-1, "")
    while True:
        more = f"{where} AND" if where else "WHERE"
        rows = plan.db.execute(f"SELECT store, key FROM thaw {more} (store, key) > (?, ?) ORDER BY store, key LIMIT {_AT_ONCE}",  # noqa: S608
                               after).fetchall()
        if not rows:
            return
        yield rows
        after = rows[-1]


def _groups(plan: Plan, state: State) -> list[_Group]:
    rows = plan.db.execute("SELECT store, class, count(*), sum(size) FROM thaw WHERE state = ? GROUP BY store, class ORDER BY store, class",
                           (state.value,))
    return [_Group(*row) for row in rows]


def _ask(plan: Plan, stores: Sequence[Store], thawing: Thawing, runner: Runner) -> None:
    total = plan.one("SELECT count(*) FROM thaw WHERE state = 'cold'")

    def ask(row: tuple[int, str]) -> None:
        store, key = stores[row[0]], StoreKey(row[1])
        store.thaw(key, store.warmth(key), thawing.tier, thawing.days)

    with runner.stage("ask for cold objects", files=total) as progress, ThreadPoolExecutor(_THREADS) as pool:
        for some in _chunks(plan, "WHERE state = 'cold'"):
            for row, _ in zip(some, pool.map(ask, some), strict=True):
                plan.db.execute("UPDATE thaw SET state = 'thawing' WHERE store = ? AND key = ?", row)
            progress.advance(len(some))


# -- words


def _price(groups: Sequence[_Group], thawing: Thawing, prices: Prices) -> float:
    return sum(prices.thaw(one.storage_class, thawing.tier, one.objects, one.size, thawing.days) or 0.0 for one in groups)


def _check_tier(groups: Sequence[_Group], thawing: Thawing, prices: Prices) -> None:
    for one in groups:
        if prices.thaw(one.storage_class, thawing.tier, 0, 0, 0) is None:
            raise ColdError(f"the table of prices names no tier {thawing.tier} of {one.storage_class}: choose another with --tier. "
                            "Nothing was asked for")


def _offer(plan: Plan, stores: Sequence[Store], groups: Sequence[_Group], thawing: Thawing, prices: Prices, what: str) -> Iterator[str]:
    yield f"{what}: {plural(plan.frozen(), 'content')} must be thawed first. Nothing was asked for, and nothing was spent"
    for one in groups:
        yield f"  {stores[one.store].url}: {plural(one.objects, 'object')} ({human_size(one.size)}) in {one.storage_class}"
        for tier in TIERS:
            price = prices.thaw(one.storage_class, tier, one.objects, one.size, thawing.days)
            if price is not None:
                hours = prices.retrievals[one.storage_class, tier].hours
                yield f"    --tier {tier:<9} about {dollars(price)}, there within {hours:g} hours, readable for {thawing.days} days"
    size = sum(one.size for one in groups)
    yield f"  and {dollars(prices.transfer(size))} for sending it out of the provider's network, where that is asked for"
    yield f"by {prices.basis}; STRONGROOM_PRICES names a table with yours"
    yield f"the same command with --yes-spend asks for it (--tier {thawing.tier} unless another is said)"


def _come_again(plan: Plan, thawing: Thawing, prices: Prices, what: str) -> str:
    hours = [prices.retrievals[kind, thawing.tier].hours
             for (kind,) in plan.db.execute("SELECT DISTINCT class FROM thaw WHERE state IN ('cold', 'thawing')")
             if (kind, thawing.tier) in prices.retrievals]
    left, ready = (plan.one("SELECT count(*) FROM thaw WHERE state IN ('cold', 'thawing')"),
                   plan.one("SELECT count(*) FROM thaw WHERE state IN ('thawed', 'warm')"))
    soon = f", mostly within {max(hours):g} hours of being asked for" if hours else ""
    return (f"{what}: {plural(left, 'object is', 'objects are')} being thawed{soon}; {ready:,} can be read by now. "
            "Run the same command again then: it goes on from here and asks for nothing twice. --wait waits instead")

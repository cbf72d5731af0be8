"""What must hold after every fault, in one function for every row.

(a) the source is untouched; (b) every bag in the catalogue reads whole, byte for byte, or is reported; (c) never success together with
damage; (d) running the same command again converges (`converges`); (e) the exit status is a documented one, and no internal error;
(f) no secret in what was said or kept.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection
from contextlib import closing
from pathlib import Path

from strongroom.core.errors import StrongroomError
from strongroom.database import open_reader
from strongroom.usecases.context import Context
from tests.faults import reading
from tests.faults.place import CANARY, Place, Result, payload, snapshot

DOCUMENTED = frozenset({0, 1, 2, 3, 130})
KILLED = frozenset({-9})


def judge(
    place: Place, before: dict[bytes, tuple[object, ...]] | None, result: Result | None, *, allowed: Collection[int] = DOCUMENTED,
    known: bool = False,
) -> list[str]:
    """What is wrong after `result` (None: nothing was run); an empty list is good.

    `before`: the source's snapshot, None where the row itself meddled with it. `allowed`: exit statuses. `known`: damage was reported
    by the command before.
    """
    wrong = []
    if before is not None and snapshot(place.source) != before:
        wrong.append("(a) the source was touched")
    damage = _damage(place)
    reported = known or (result is not None and result.status == 1)
    if damage and not reported:
        wrong += [f"(b) {one}" for one in damage]
    if result is not None:
        if damage and result.status == 0:
            wrong.append("(c) success together with damage")
        if result.status not in allowed or "internal error" in result.said or "Traceback" in result.said:
            wrong.append(f"(e) exit status {result.status}: {result.err[-1500:] or result.out[-500:]}")
        if CANARY in result.said:
            wrong.append("(f) a credential was printed")
    wrong += [f"(f) a credential lies in {path}" for path in holding(CANARY.encode(), _kept(place))]
    return wrong


def converges(place: Place, again: Callable[[], Result]) -> list[str]:
    """(d): the command run again succeeds, the newest bag of the first store is the source, and nothing is wrong with any other."""
    before = snapshot(place.source)
    result = again()
    wrong = judge(place, before, result, allowed={0})
    try:
        if reading.newest(place.store, place.name) != payload(place.source):
            wrong.append("(d) the newest bag is not the source")
    except reading.Broken as error:
        wrong.append(f"(d) {error}")
    return wrong


def _damage(place: Place) -> list[str]:
    found = []
    there: set[str] = set()
    for name in place.stores:
        store = place.root / name
        if "://" not in name and (store / "strongroom.json").exists():
            try:
                there |= reading.bags(store).keys()
            except reading.Broken as error:
                found.append(f"{store.name}: {error}")
    if not any("://" in name for name in place.stores) and not found:
        found += [f"the catalogue has the bag {seal}, and no store" for seal in catalogued(place.root / place.home) - there]
    return found


def catalogued(home: Path) -> set[str]:
    """The seals the catalogue knows; none if it cannot be read, which is another matter."""
    try:
        if not Context(home).has_catalogue():
            return set()
        with closing(open_reader(Context(home).catalogue)) as db:
            return {seal.hex() for (seal,) in db.execute("SELECT seal FROM bags")}
    except (sqlite3.DatabaseError, StrongroomError):
        return set()


def _kept(place: Place) -> list[Path]:
    """Everything but the source."""
    return [path for path in place.root.iterdir() if path != place.source]


def holding(secret: bytes, places: Collection[Path]) -> list[Path]:
    """The files among and below `places` that have `secret` in their bytes or name."""
    found = []
    for place in places:
        for path in [place, *place.rglob("*")]:
            if secret in bytes(path) or (path.is_file() and not path.is_symlink() and secret in path.read_bytes()):
                found.append(path)
    return found

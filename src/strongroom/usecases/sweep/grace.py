"""How long contents have been withheld, so that no clock that is wrong lets anything go early (docs/format.md, section 15)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from itertools import pairwise
from typing import Final

from strongroom.core import canonical
from strongroom.core.condemning import parse_sweep_key
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, NotFoundInStoreError
from strongroom.core.events import parse_utc, utc_now
from strongroom.database import read_only
from strongroom.stores.generations import read_all
from strongroom.stores.interface import Store
from strongroom.usecases.sweep.records import Sweep
from strongroom.usecases.sweep.scratch import Scratch
from strongroom.usecases.withheld.tombstones import Withheld

_LIMIT: Final = 64 << 20
_DAY: Final = timedelta(days=1)
_STEPS: Final = 4  # a step between two sweeps counts as at most this part of the grace, or a day if that is more


def passed(times: Sequence[str], days: float) -> timedelta:
    """How much of the grace has passed between the first and the last of these times, in the order in which sweeps wrote them.

    A step back counts nothing, a long one as a quarter of the grace; and the longest does not count at all: it may be a clock that was
    put right, or wrong.

    >>> passed(["2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z", "2036-01-02T00:00:00Z"], 30).days
    1
    """
    cap = max(_DAY, timedelta(days=days) / _STEPS)
    known = [time for time in map(parse_utc, times) if time is not None]
    steps = [min(max(after - before, timedelta()), cap) for before, after in pairwise(known)]
    return sum(steps, timedelta()) - max(steps, default=timedelta())


def settle(scratch: Scratch, store: Store, withheld: Withheld, sweeps: Sequence[Sweep], days: float) -> tuple[list[bytes], int]:
    """Note in `due` every content of which each tombstone that withholds it was first seen so long ago, by the sweeps of this store.

    The lines of the tombstones that no sweep of this store saw before now, and how many contents are still in their grace.
    """
    if not len(withheld):
        return [], 0
    seen = dict(_seen(store))
    times = [(one.seq, str(one.documents.get("begun", {}).get("began", ""))) for one in sweeps]
    new: list[bytes] = []
    left = 0
    with closing(read_only(withheld.path)) as db:
        standing = ("SELECT s.content, s.digest FROM stones s JOIN withheld w ON w.sha256 = s.content WHERE s.action = 'withhold' "
                    "AND s.digest NOT IN (SELECT digest FROM replaced) ORDER BY s.content, s.digest")
        for content, stone in db.execute(standing):
            first = seen.get(stone)
            if first is None:
                new.append(canonical.dumps({"sha256": Digest.from_bytes(content).hex, "tombstone": Digest.from_bytes(stone).hex}))
            since = [] if first is None else [time for seq, time in times if seq >= first]
            if days <= 0 or (first is not None and passed([*since, utc_now()], days) >= timedelta(days=days)):
                scratch.db.execute("INSERT OR IGNORE INTO due VALUES (?)", (content,))
    for raw in withheld:
        left += scratch.one("SELECT 1 FROM due WHERE sha = ?", raw) is None
    return new, left


def _seen(store: Store) -> Iterator[tuple[bytes, int]]:
    """Each tombstone that a sweep of this store saw, with the number of the first that did (later ones first, so that it stays)."""
    found: list[tuple[bytes, int]] = []
    for stat in store.list("sweep/"):
        named = parse_sweep_key(stat.key)
        if named is None or not named[1].startswith("seen-"):
            continue
        try:
            for line in read_all(store, stat.key, _LIMIT).splitlines():
                found.append((Digest(canonical.loads_line(line, what=str(stat.key))["tombstone"]).raw, named[0]))
        except (InvalidValueError, KeyError, TypeError, NotFoundInStoreError, DamagedInStoreError):
            continue  # what cannot be read is seen again, and waits longer
    yield from reversed(found)

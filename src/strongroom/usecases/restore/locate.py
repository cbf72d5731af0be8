"""Where the contents of a plan may lie in a store: hints first, then everything there is (docs/format.md, section 8).

What is found is only ever a place to look at: who reads a content verifies it. Nothing is given up before the packs themselves were read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import IntEnum
from itertools import islice
from typing import Final

from strongroom.core import canonical, keys
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, NotFoundInStoreError, StoreUnreachableError
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId
from strongroom.core.keys import StoreKey
from strongroom.core.placement import PLACEMENT_LIMIT, parse_place
from strongroom.runner.interface import Runner
from strongroom.stores.generations import answers, generations, read_all
from strongroom.stores.interface import Store
from strongroom.usecases.restore.indexes import IndexBatch, read_indexes
from strongroom.usecases.restore.plan import WHOLE, Place, Plan
from strongroom.usecases.sealed.collector import Collector

_BATCHES: Final = 12
_AT_ONCE: Final = 5000


class Level(IntEnum):
    """How hard to look."""

    HINTS = 1  # placement.jsonl and the indexes of its packs; whatever it leaves open, by listing the store
    LISTING = 2  # every large content in every generation, every pack in every generation by its index
    HEADERS = 3  # every pack in every generation by its headers


def locate(
    plan: Plan, number: int, store: Store, level: Level, bag: BagId, runner: Runner, collector: Collector, *, stubborn: bool = False
) -> None:
    """Add the places of what is missing in `store`, number `number` of the plan; `stubborn` as in IndexBatch.

    Raises StoreUnreachableError.
    """
    finder = _Finder(plan, number, store, runner, collector, stubborn)
    if level is Level.HINTS:
        tars = finder.placement(bag)
        finder.indexes(tars)
        if plan.unplaced():
            finder.objects()
            finder.indexes(tar for tar in finder.tars() if tar not in tars)
    elif level is Level.LISTING:
        finder.objects()
        finder.indexes(finder.tars())
    else:
        finder.indexes(finder.tars(), headers=True)


class _Finder:
    def __init__(self, plan: Plan, number: int, store: Store, runner: Runner, collector: Collector, stubborn: bool) -> None:
        self._plan, self._number, self._store, self._stubborn = plan, number, store, stubborn
        self._runner, self._collector = runner, collector

    def placement(self, bag: BagId) -> list[StoreKey]:
        """Add the large contents that the placements name (one may be of an attempt that lost); the tars of their packs. Nothing if there
        is none (then: listing)."""
        tars: list[StoreKey] = []
        places: list[Place] = []
        for key in generations(self._store, keys.placement(bag)):
            try:
                for line in read_all(self._store, key, PLACEMENT_LIMIT).splitlines():
                    value = canonical.loads_line(line, what="a line")
                    kind, digest = parse_place(value)
                    if kind != "content":
                        tars.append(keys.stored(kind, digest))
                    else:
                        places.append(Place(digest.raw, keys.content(digest).text, 0, WHOLE))
            except NotFoundInStoreError:
                continue
            except (ValueError, KeyError, TypeError, DamagedInStoreError, StoreUnreachableError) as error:
                if (unread := isinstance(error, StoreUnreachableError)) and not answers(self._store):
                    raise
                what = f"{'could not be read' if unread else 'makes no sense'} ({error}); what it lacks is listed instead"
                self._collector.add(Finding(Code.PLACEMENT_WRONG, f"{self._store.url}: {key}", what))
        self._plan.add_places(self._number, places)
        return list(dict.fromkeys(tars))

    def objects(self) -> None:
        """Add every content that is an object of its own, in every generation."""
        found = self._objects()
        while batch := list(islice(found, _AT_ONCE)):
            self._plan.add_places(self._number, batch)

    def _objects(self) -> Iterator[Place]:
        for stat in self._store.list("content/"):
            base, _ = stat.key.base
            try:
                digest = Digest(base.text.rpartition("/")[2])
            except InvalidValueError:
                continue  # pieces
            yield Place(digest.raw, stat.key.text, 0, WHOLE)

    def tars(self) -> Iterator[StoreKey]:
        """Every pack of the store in every generation."""
        for stat in self._store.list("packs/"):
            if keys.parse_pack_key(stat.key) is not None:
                yield stat.key

    def indexes(self, tars: Iterable[StoreKey], *, headers: bool = False) -> None:
        """Add the members of these packs. Stops early once everything that is missing has a place, unless the headers are read."""
        names = [tar.text for tar in tars]
        size = max(1, -(-len(names) // _BATCHES))
        batches = [IndexBatch(self._store, tuple(names[at : at + size]), headers, self._stubborn) for at in range(0, len(names), size)]
        if not batches:
            return
        name = "read packs" if headers else "read pack indexes"
        for result in self._runner.map(name, read_indexes, batches):
            self._collector.extend(result.findings)
            self._plan.add_places(self._number, result.places())
            if not headers and not self._plan.unplaced():
                break

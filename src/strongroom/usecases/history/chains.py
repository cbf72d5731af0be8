"""Judging one writer's chain over all stores: altered events, and two histories of one writer.

Numbers are judged from the newest down. What a batch may be is *named* by the batch after it, by seals and by the catalogue. A batch
that nobody names (the newest) stands as it is. Where a batch and its successor in one store disagree, the one that another
witness names is believed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from strongroom.core import canonical
from strongroom.core.batch import LIMIT
from strongroom.core.errors import StoreError
from strongroom.core.findings import Code, Finding
from strongroom.core.keys import StoreKey
from strongroom.stores.generations import read_all
from strongroom.stores.interface import Store
from strongroom.usecases.history.levels import Level, levels, with_the_one_below
from strongroom.usecases.history.scratch import Scratch


@dataclass(slots=True)
class _Link:
    """What the sound batches at one number say of the one before: by store, what they name; and who of them is named by others."""

    by_store: dict[int, set[str]] = field(default_factory=dict)
    keys: dict[int, str] = field(default_factory=dict)
    witnessed: set[int] = field(default_factory=set)  # stores whose batch is itself named by a witness

    @property
    def named(self) -> set[str]:
        return {digest for digests in self.by_store.values() for digest in digests}


class Chain:
    """The judgement of one writer. `stores` by number; `say` takes the findings."""

    def __init__(
        self, scratch: Scratch, writer: str, stores: dict[int, Store], names: dict[int, str], say: Callable[[Finding], None]
    ) -> None:
        self._scratch, self._writer, self._stores, self._names, self._say = scratch, writer, stores, names, say
        self._split: Level | None = None  # the lowest number so far at which there are two sound batches
        self._contradicted: dict[int, tuple[Level, str]] = {}  # by store: the lowest number at which a witness names another batch
        self._altered: list[tuple[int, str]] = []
        self._forked = False

    def judge(self) -> None:
        above, last = _Link(), 0
        for level, below in with_the_one_below(levels(self._scratch, self._writer)):
            above, last = above if level.seq == last - 1 else _Link(), level.seq
            for store, key in level.unreadable.items():
                self._alter(store, key, f"makes no sense as the batch of the log that belongs there{self._elsewhere(level, store)}")
            sound = {store: digests for store in sorted(level.stores) if (digests := self._sound(level, below, above, store))}
            self._follow(level, {digest for digests in sound.values() for digest in digests})
            above = self._link(level, sound, above)
        self._end_split()
        for store, (level, digest) in sorted(self._contradicted.items()):
            self._say_contradicted(store, level, digest)
        with self._scratch.transaction():
            self._scratch.db.executemany("UPDATE batches SET altered = 1 WHERE store = ? AND key = ?", self._altered)

    # -- one number

    def _sound(self, level: Level, below: Level, above: _Link, store: int) -> set[str]:
        """The digests at this number in this store that may be what was written there."""
        here = level.of(store)
        named = set(level.anchors) | above.named
        claimed = above.by_store.get(store, set())
        if claimed and not claimed & here:
            return self._settle(level, above, store, here, claimed)
        if not claimed and named and not here & named:
            other = next((digest for digest in sorted(named) if digest in level.found), None)
            if other is None:  # only a seal or the catalogue knows what was there
                self._contradict(level, store)
                return here
            digest = min(here)
            if self._same_events(level, digest, other) or not _linked(level, below, digest):
                self._alter(store, level.found[digest][store], f"is not the batch that was written{self._elsewhere(level, store, other)}")
                return set()
            return here
        if level.anchors and not here & set(level.anchors):
            self._contradict(level, store)
        if not named and len(here) > 1:
            return {max(here, key=lambda digest: StoreKey(level.found[digest][store]).base[1])}  # the newest generation: a repair
        if not named and len(level.found) > 1 and not _linked(level, below, min(here)):
            digest = min(here)
            self._alter(store, level.found[digest][store], f"does not follow on the batch before it{self._elsewhere(level, store)}")
            return set()
        return here & named or here

    def _settle(self, level: Level, above: _Link, store: int, here: set[str], claimed: set[str]) -> set[str]:
        """A batch and its successor in one store disagree. Gives the digests that are sound."""
        digest, claim = min(here), min(claimed)
        key, successor = level.found[digest][store], above.keys[store]
        others = {one for other, digests in above.by_store.items() if other != store for one in digests}
        confirmed = here & (set(level.anchors) | others) or len(level.found[digest]) > 1
        if store in above.witnessed or (claim in level.found and not confirmed):
            self._alter(store, key, f"is not the batch that {successor} names ({claim}){self._elsewhere(level, store, claim)}")
        elif confirmed:
            self._alter(store, successor, f"names {claim} as the batch before it, which is another")
            return here
        else:
            self._alter(store, key, f"is not the batch that {successor} names ({claim}); one of the two was altered, and nothing here "
                        "says which. A store that was not asked may")
        return here & (set(level.anchors) | others)

    def _link(self, level: Level, sound: dict[int, set[str]], above: _Link) -> _Link:
        named = set(level.anchors) | above.named
        link = _Link()
        for store, digests in sound.items():
            link.by_store[store] = {before for digest in digests if (before := level.previous[digest]) is not None}
            link.keys[store] = level.found[min(digests)][store]
            if digests & named:
                link.witnessed.add(store)
        return link

    # -- two histories

    def _follow(self, level: Level, sound: set[str]) -> None:
        if len(sound) > 1:
            self._split = Level(level.seq, {digest: level.found[digest] for digest in sorted(sound)}, anchors=level.anchors)
        elif sound:
            self._end_split()

    def _end_split(self) -> None:
        """Below the lowest number with two batches there is one, or nothing: that is where the histories part."""
        split, self._split = self._split, None
        if split is None:
            return
        one, *rest = split.found
        if all(self._same_events(split, one, other) for other in rest):
            true = next((digest for digest in split.found if digest in split.anchors), None)
            for digest, places in split.found.items():
                for store, key in places.items() if digest != true else ():
                    confirmed = "" if true is None else f"; {split.anchors[true]} names {true}"
                    self._alter(store, key, "differs between stores, with the same events: one was altered, and whatever follows on it was "
                                f"written anew{self._elsewhere(split, store)}{confirmed}")
            return
        self._forked = True
        where = "; ".join(f"{digest} in {self._named(set(places))}" for digest, places in split.found.items())
        self._say(Finding(
            Code.LOG_FORKED, f"log/{self._writer}/{split.seq:012d}.json", f"two histories of one writer, each whole, part here: {where}. "
            "Either somebody wrote another history, or a machine or disk was put back to an older state and went on from there. Both are "
            "kept; compare what they tell with `strongroom log show --store URL`"))

    # -- a witness that nobody's batch agrees with

    def _contradict(self, level: Level, store: int) -> None:
        digest = next(iter(sorted(level.anchors)), None)
        if digest is not None:
            self._contradicted[store] = level, digest

    def _say_contradicted(self, store: int, level: Level, digest: str) -> None:
        key = next(key for places in level.found.values() for at, key in places.items() if at == store)
        witness = level.anchors[digest]
        holds = "SELECT 1 FROM heads h JOIN seals s ON s.digest = h.seal WHERE h.writer = ? AND h.seq = ? AND h.digest = ? AND s.store = ?"
        if witness.startswith("the seal") and not self._scratch.one(holds, self._writer, level.seq, digest, store):
            if not self._forked:
                self._say(Finding(
                    Code.LOG_FORKED, f"{self._names[store]}: {key}", f"{witness} names another batch under this number ({digest}): two "
                    "histories of one writer. Either somebody wrote another history, or the store was put back to an older state and "
                    "written to again"))
        else:
            self._alter(store, key, f"{witness} names another batch under this number ({digest}): it was altered, or written anew with "
                        "whatever follows on it")

    # -- words

    def _alter(self, store: int, key: str, what: str) -> None:
        if (store, key) not in self._altered:
            self._altered.append((store, key))
            self._say(Finding(Code.LOG_ALTERED, f"{self._names[store]}: {key}", what))

    def _elsewhere(self, level: Level, store: int, digest: str | None = None) -> str:
        """Where the batch lies that may be the right one: " (unaltered in file:///disk)"."""
        found = level.found if digest is None else {digest: level.found.get(digest, {})}
        others = {other for places in found.values() for other in places} - {store}
        have = "has" if len(others) == 1 else "have"
        return f"; {self._named(others)} {have} {'another' if digest is None else 'it as it was'}" if others else ""

    def _named(self, stores: set[int]) -> str:
        return ", ".join(self._names[store] for store in sorted(stores))

    def _same_events(self, level: Level, one: str, other: str) -> bool:
        """Whether two batches have an event in common. Identifiers of events are random: only copies of one batch share them."""
        return bool(self._events(level, one) & self._events(level, other))

    def _events(self, level: Level, digest: str) -> set[str]:
        for store, key in level.found[digest].items():
            try:
                batch = canonical.loads(read_all(self._stores[store], StoreKey(key), LIMIT), what=key)
            except StoreError:
                continue
            return {event["eventIdentifier"] for event in batch["events"]}
        return set()


def _linked(level: Level, below: Level, digest: str) -> bool:
    """Whether a batch follows on one that is there, or nothing is known of the one before."""
    return not below.found or level.previous[digest] in below.found

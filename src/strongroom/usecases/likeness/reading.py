"""Reading contents out of stores to look at them: each verified by its digest, and looked at where it can do no harm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from strongroom.core.findings import Code, Finding
from strongroom.core.keys import StoreKey
from strongroom.core.plural import plural
from strongroom.likeness.features import Nothing
from strongroom.likeness.guard import Failed, Limits
from strongroom.likeness.shelf import Looked
from strongroom.runner.interface import Runner
from strongroom.stores.interface import Store
from strongroom.usecases.restore.contents import Unread, read_run, runs
from strongroom.usecases.restore.gather import gather, groups
from strongroom.usecases.restore.outcome import Outcome
from strongroom.usecases.restore.plan import WHOLE, Need, Plan
from strongroom.usecases.sealed.bag import SealedBag
from strongroom.usecases.sealed.collector import Collector

#: What the hints table says of each content, for who looks at it.
HINTS: Final = "CREATE TABLE hint (content INTEGER PRIMARY KEY, type TEXT, path TEXT NOT NULL)"
_BATCH: Final = 24 << 20  # bytes in a batch of packs
_TOGETHER: Final = 8 << 20  # bytes that are looked at in one child process


@dataclass(frozen=True, slots=True)
class LookBatch:
    """Objects of `store`; which contents of them are wanted stands in the plan's job."""

    plan: Path
    store: Store
    keys: tuple[str, ...]
    limits: Limits


@dataclass(slots=True)
class LookResult(Outcome):
    size: int = 0  # bytes looked at
    looked: list[tuple[bytes, Looked]] = field(default_factory=list)


def read_all(
    bag: SealedBag, plan: Plan, runner: Runner, collector: Collector, limits: Limits, take: Callable[[list[tuple[bytes, Looked]]], None],
) -> None:
    """Look at every content of the plan, in whichever store of the bag it is sound. `take` gets what was learned, as it comes.

    Raises StoreUnreachableError if no store answered to the end.
    """
    gather(bag, plan, runner, collector, lambda store: _look(plan, store, runner, collector, limits, take))
    if lost := plan.missing():
        what = f"{plural(lost, 'content')} could not be read, and so not compared; an audit says more"
        collector.add(Finding(Code.NOT_COMPARED, str(bag.id), what))


def _look(
    plan: Plan, store: Store, runner: Runner, collector: Collector, limits: Limits, take: Callable[[list[tuple[bytes, Looked]]], None],
) -> None:
    batches = [LookBatch(plan.path, store, keys, limits) for keys in groups(plan, smallest=_BATCH, largest=_BATCH)]
    files = plan.one("SELECT count(*) FROM job")
    size = plan.one("SELECT sum(c.size) FROM job j JOIN content c ON c.id = j.content")
    for result in runner.map("read and compare", look_batch, batches, files=files, size=size, weigh=weigh):
        take(result.looked)  # remembered before the plan takes them for done
        result.settle(plan, store, collector)


def weigh(result: LookResult) -> tuple[int, int]:
    return len(result.looked), result.size


def look_batch(batch: LookBatch) -> LookResult:
    """Carry out a batch. Raises StoreUnreachableError; may be run again."""
    result = LookResult(batch.keys)
    with Plan(batch.plan) as plan:
        looker = _Looker(plan, batch, result)
        for key in batch.keys:
            result.read_object(batch.store, key, partial(looker.read, key))
        looker.look()
    return result


class _Looker:
    def __init__(self, plan: Plan, batch: LookBatch, result: LookResult) -> None:
        self._plan, self._batch, self._result = plan, batch, result
        self._waiting: list[tuple[bytes, bytes, str | None, str]] = []
        self._size = 0

    def read(self, text: str, key: StoreKey, unread: Unread) -> list[int]:
        failed: list[int] = []
        for run in runs(self._plan.needs(text)):
            for need, data in read_run(self._batch.store, key, [self._sized(need) for need in run], unread):
                if data is None:
                    failed.append(need.content)
                else:
                    self._add(need, bytes(data))
        return failed

    def _sized(self, need: Need) -> Need:
        """A content that is an object of its own with its length. Only those that are small enough to be held are asked for."""
        if need.length != WHOLE:
            return need
        return need._replace(length=self._plan.one("SELECT size FROM content WHERE id = ?", need.content))

    def _add(self, need: Need, data: bytes) -> None:
        kind, path = self._plan.db.execute("SELECT type, path FROM hint WHERE content = ?", (need.content,)).fetchone()
        self._waiting.append((need.sha, data, kind, path))
        self._size += len(data)
        if self._size >= _TOGETHER:
            self.look()

    def look(self) -> None:
        """Look at what was read so far."""
        from strongroom.likeness import guard, look  # noqa: PLC0415 -- numpy, lxml and others, in the worker alone

        waiting, self._waiting = self._waiting, []
        self._result.size += self._size
        self._size = 0
        answers = guard.each(lambda item: look.look(*item[1:]), waiting, self._batch.limits)
        for (sha, *_), answer in zip(waiting, answers, strict=True):
            self._result.looked.append((sha, Nothing(answer.why) if isinstance(answer, Failed) else answer))

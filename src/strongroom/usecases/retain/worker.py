"""Looking at the locks of many objects, and extending those that are due, in a worker process."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from strongroom.core.errors import NotFoundInStoreError, StoreRefusedError, UnreadableInStoreError
from strongroom.core.keys import StoreKey
from strongroom.core.retention import Lock, Retention
from strongroom.database import read_only
from strongroom.stores.interface import Store

_THREADS: Final = 8  # a look is one short request
_SHOWN: Final = 20  # refusals of a batch that are named


class Fate(StrEnum):
    KEPT = "kept"  # for long enough
    EXTENDED = "extended"
    SHORT = "short"  # would be extended, if this were not a dry run
    REFUSED = "refused"
    GONE = "gone"  # swept meanwhile


@dataclass(frozen=True, slots=True)
class RetainJob:
    """The keys at positions `first` to `last` of the table `keys` of `scratch`."""

    store: Store
    retention: Retention
    scratch: Path
    first: int
    last: int
    dry_run: bool


@dataclass(slots=True)
class RetainResult:
    fates: Counter[Fate] = field(default_factory=Counter)
    refused: list[tuple[str, str]] = field(default_factory=list)  # the first keys, and why
    earliest: datetime | None = None  # the end of the shortest lock, of those that are kept


def extend(job: RetainJob) -> RetainResult:
    """Look at each object, and extend. Raises StoreUnreachableError if the store as a whole does not answer."""
    with closing(read_only(job.scratch)) as db:
        sql = "SELECT key FROM keys WHERE position BETWEEN ? AND ? ORDER BY position"
        keys = [key for (key,) in db.execute(sql, (job.first, job.last))]
    result = RetainResult()
    with ThreadPoolExecutor(_THREADS) as pool:
        for key, (fate, lock, why) in zip(keys, pool.map(lambda key: _one(job, StoreKey(key)), keys), strict=True):
            result.fates[fate] += 1
            if fate is Fate.REFUSED and len(result.refused) < _SHOWN:
                result.refused.append((key, why))
            if fate in (Fate.KEPT, Fate.EXTENDED) and lock is not None and lock.until is not None:
                result.earliest = lock.until if result.earliest is None else min(result.earliest, lock.until)
    return result


def _one(job: RetainJob, key: StoreKey) -> tuple[Fate, Lock | None, str]:
    now = datetime.now(UTC)
    try:
        lock = job.store.lock(key)
        if job.retention.is_met(lock, now):
            return Fate.KEPT, lock, ""
        if job.dry_run:
            return Fate.SHORT, lock, ""
        return _extend(job, key, lock, now)
    except NotFoundInStoreError:
        return Fate.GONE, None, ""
    except (StoreRefusedError, UnreadableInStoreError) as error:
        return Fate.REFUSED, None, str(error)


def _extend(job: RetainJob, key: StoreKey, lock: Lock | None, now: datetime) -> tuple[Fate, Lock | None, str]:
    wanted = job.retention.extended(lock, now)
    try:
        job.store.retain(key, wanted)
    except StoreRefusedError as error:
        if lock is None or lock.mode in (None, wanted.mode):
            raise
        # A server may want more than a longer time for another mode; the time at least.
        job.store.retain(key, Lock(lock.mode, wanted.until))
        return Fate.REFUSED, lock, f"is kept until {wanted.text} now, and not in {wanted.mode} mode: {error}"
    after = job.store.lock(key)  # an answer of 200 is a promise; this is what the server keeps
    if after is None or after.until is None or wanted.until is None or after.until < wanted.until:
        return Fate.REFUSED, after, ("the server took the request, and does not say that it keeps it for longer: it may not "
                                     "know Object Lock, or these credentials lack s3:GetObjectRetention")
    return Fate.EXTENDED, after, ""

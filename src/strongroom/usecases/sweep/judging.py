"""A worker's share: read packs and large contents that may be condemned, and say what of them may go.

An index is a hint: what a pack holds is seen in the pack itself.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from strongroom.core.condemning import Why
from strongroom.core.digests import Digest
from strongroom.core.errors import ColdInStoreError, NotFoundInStoreError
from strongroom.core.keys import StoreKey
from strongroom.database import read_only
from strongroom.stores.generations import holds
from strongroom.stores.interface import Store
from strongroom.usecases.packcheck import check_pack
from strongroom.usecases.sweep.heed import stored_at


@dataclass(frozen=True, slots=True)
class JudgeJob:
    store: Store
    scratch: Path
    bases: tuple[str, ...]  # of packs and large contents
    passed: frozenset[str]  # keys among them, or their generations, that a record names: no reason to let another one go


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may go of one base, and why: `keys` with their sizes. `keep`: contents (SHA-256) that bags still need of what goes.

    `problem`: why it may not, though something in it is to go.
    """

    base: str
    why: Why
    keys: tuple[tuple[str, int], ...]
    keep: tuple[bytes, ...] = ()
    problem: str | None = None


@dataclass(slots=True)
class _Seen:
    """The generations of one base, read."""

    sound: list[str]
    damaged: list[str]
    members: set[bytes]  # that can be read, of any generation
    broken: set[bytes]  # that are named and cannot
    whole: bool = True  # every header made sense


def judge(job: JudgeJob) -> list[Verdict]:
    """The verdicts about those of which anything may go. Raises StoreUnreachableError."""
    with closing(read_only(job.scratch)) as scratch:
        found = (_judge_or_say(job, scratch, base) for base in job.bases)
        return [verdict for verdict in found if verdict is not None]


def _judge_or_say(job: JudgeJob, scratch: sqlite3.Connection, base: str) -> Verdict | None:
    try:
        return _judge(job, scratch, base)
    except ColdInStoreError:
        what = "lies in a cold storage class, and nothing of a pack goes before it was looked into; have it thawed, then sweep again"
        return Verdict(base, Why.UNNEEDED, (), (), what)


def _judge(job: JudgeJob, scratch: sqlite3.Connection, base: str) -> Verdict | None:
    sizes = dict(scratch.execute("SELECT key, size FROM things WHERE base = ? ORDER BY key", (base,)))
    seen = _read(job.store, base, list(sizes))
    every = seen.members | seen.broken
    due = {sha for sha in every if _in(scratch, "due", sha)}
    keep = {sha for sha in every if _in(scratch, "needed", sha)} - due
    whole = tuple(sizes.items())
    if due:
        lost = keep - seen.members
        if lost or not (seen.sound or seen.whole):
            what = f"holds what is withheld, and is so damaged that {len(lost) or 'some'} of what bags need of it cannot be read"
            return Verdict(base, Why.WITHHELD, (), (), f"{what}; run `strongroom repair`, then sweep again")
        return Verdict(base, Why.WITHHELD, whole, tuple(sorted(keep)))
    if not keep and seen.members | seen.broken and (seen.sound or seen.whole):
        return Verdict(base, Why.UNNEEDED, whole)
    if keep and keep <= seen.members and seen.sound and all(key in job.passed for key in seen.sound):
        return Verdict(base, Why.MOVED, whole, tuple(sorted(keep)))
    if seen.damaged and any(key not in job.passed for key in seen.sound):
        return Verdict(base, Why.DAMAGED, tuple((key, sizes[key]) for key in seen.damaged))
    return None


def _in(scratch: sqlite3.Connection, table: str, sha: bytes) -> bool:
    return scratch.execute(f"SELECT 1 FROM {table} WHERE sha = ?", (sha,)).fetchone() is not None  # noqa: S608 -- two names of ours


def _read(store: Store, base: str, keys: list[str]) -> _Seen:
    seen = _Seen([], [], set(), set())
    found = stored_at(StoreKey(base))
    assert found is not None  # nothing else is a candidate
    kind, digest = found
    for key in keys:
        try:
            sound = _read_one(store, StoreKey(key), kind, digest, seen)
        except NotFoundInStoreError:
            continue  # swept by somebody else
        (seen.sound if sound else seen.damaged).append(key)
    seen.broken -= seen.members
    return seen


def _read_one(store: Store, key: StoreKey, kind: str, digest: Digest, seen: _Seen) -> bool:
    if kind == "content":
        sound = holds(store, key, digest, uncached=True, as_stated=True)  # of a cold one its name is enough to let it go
        (seen.members if sound else seen.broken).add(digest.raw)
        return sound
    check = check_pack(store, key, uncached=True)
    seen.members |= {sha.raw for sha, _ in check.sound}
    seen.broken |= set(_digests(check.damaged))
    seen.whole = seen.whole and check.whole
    return check.digest == digest


def _digests(names: tuple[str, ...]) -> Iterator[bytes]:
    for name in names:
        if len(name) == hashlib.sha256().digest_size * 2:
            try:
                yield bytes.fromhex(name)
            except ValueError:
                continue  # a damaged header

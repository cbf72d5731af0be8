"""Whether all that a bag needs lies where its placement says, in worker processes: its manifest against the indexes of its packs.

Only what was proved takes part: objects that were sound when they were read last, and the bytes they had then. A bag of which this
cannot be said (there is more than one reason) is looked at with more patience by `trace`.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from strongroom.core import keys
from strongroom.core.errors import DamagedInStoreError, NotFoundInStoreError
from strongroom.core.ids import BagId
from strongroom.core.keys import StoreKey
from strongroom.core.pack import INDEX_LIMIT
from strongroom.database import read_only
from strongroom.stores.generations import read_all
from strongroom.stores.interface import Store
from strongroom.usecases.audit.kinds import Kind, index_of, name_of

#: Bytes of a manifest that are compared at once: some 400,000 lines, 60 MB of memory.
BLOCK: Final = 32 << 20
_CHUNK: Final = 4 << 20
#: As this software writes lines; whatever else a manifest may be is read by its grammar, elsewhere.
_LINES: Final = re.compile(rb"(?:[0-9a-f]{64}  [^\r\n]++\n)*+")
_MEMBERS: Final = re.compile(rb'"offset":[0-9]+,"sha256":"([0-9a-f]{64})"\}\n')
_SOUND: Final = (
    "SELECT key, found FROM looks WHERE base = ?1 AND outcome = 'sound' UNION ALL "
    "SELECT key, recorded FROM things t WHERE base = ?1 AND was = 'sound' AND NOT EXISTS (SELECT 1 FROM looks l WHERE l.key = t.key)"
)


@dataclass(frozen=True, slots=True)
class CoverJob:
    store: Store
    scratch: Path
    bags: tuple[tuple[str, str], ...]  # (NAME/vN, attempt)


class _Object(NamedTuple):
    """A key, and the SHA-256 that its bytes had when they were sound."""

    key: str
    sha256: str


def covered(job: CoverJob) -> list[tuple[str, str]]:
    """Those of the bags of which every content lies in a pack, or is an object, of their placements. Raises StoreUnreachableError."""
    with closing(read_only(job.scratch)) as scratch:
        return [(bag, attempt) for bag, attempt in job.bags if _is_covered(job.store, bag, attempt, scratch)]


def _is_covered(store: Store, bag: str, attempt: str, scratch: sqlite3.Connection) -> bool:
    manifest = _sound(scratch, keys.tag_file(BagId.parse(bag), attempt, "manifest-sha256.txt").text)
    places = _places(scratch, bag)
    if manifest is None or places is None:
        return False
    contents, indexes = places
    try:
        return all(_all_held(store, needed, contents, indexes) for needed in _digests(store, manifest))
    except (NotFoundInStoreError, DamagedInStoreError, _OtherwiseError):
        return False


def _places(scratch: sqlite3.Connection, bag: str) -> tuple[set[bytes], list[_Object]] | None:
    """The large contents of the bag's placement, and the indexes of its packs; None unless all of them are sound."""
    contents, indexes = set(), []
    for (base,) in scratch.execute("SELECT base FROM placed WHERE bag = ?", (bag,)):
        name = name_of(StoreKey(base))
        if name.digest is None or _sound(scratch, base) is None:
            return None
        if name.kind is Kind.CONTENT:
            contents.add(name.digest.hex.encode())
            continue
        index = _sound(scratch, index_of(base))
        if index is None:
            return None
        indexes.append(index)
    return contents, indexes


def _sound(scratch: sqlite3.Connection, base: str) -> _Object | None:
    row = scratch.execute(_SOUND, (base,)).fetchone()
    return _Object(*row) if row else None


class _OtherwiseError(Exception):
    """The bytes are not those that were sound, or not written as this software writes them."""


def _digests(store: Store, manifest: _Object) -> Iterator[set[bytes]]:
    """The contents that the manifest names, in hexadecimal, some at a time; the last come only if its bytes are those that were sound."""
    running, found, size, rest = hashlib.sha256(), set[bytes](), 0, b""
    with store.get(StoreKey(manifest.key)) as reader:
        while chunk := reader.read(_CHUNK):
            running.update(chunk)
            whole, _, rest = (rest + chunk).rpartition(b"\n")
            if whole and _LINES.fullmatch(whole + b"\n") is None:
                raise _OtherwiseError
            found.update(line[:64] for line in whole.split(b"\n") if line)
            size += len(whole)
            if size >= BLOCK:
                yield found
                found, size = set(), 0
    if rest or running.hexdigest() != manifest.sha256:
        raise _OtherwiseError
    yield found


def _all_held(store: Store, needed: set[bytes], contents: set[bytes], indexes: list[_Object]) -> bool:
    needed -= contents
    for index in indexes:
        if not needed:
            break
        data = read_all(store, StoreKey(index.key), INDEX_LIMIT)
        if hashlib.sha256(data).hexdigest() != index.sha256:
            raise _OtherwiseError
        needed.difference_update(_MEMBERS.findall(data))
    return not needed

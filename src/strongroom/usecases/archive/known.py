"""What need not be read again, and what the store already holds."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from strongroom.catalogue import Catalogue
from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError, StoreError
from strongroom.core.pack import parse_index
from strongroom.stores.generations import read_all
from strongroom.stores.interface import Store
from strongroom.usecases.archive.scopes import NOBODY, scopes_of
from strongroom.usecases.archive.spool import Spool

#: A file whose times lie this close to the start of the run that read it may have changed again within one tick of the clock.
RACY_NANOSECONDS: Final = 2_000_000_000

_INDEX_LIMIT: Final = 256 * 1024**2


def recall(spool: Spool, catalogue: Path, collection: str, source: str, algorithms: tuple[str, ...]) -> None:
    """Give the digests it had to every file with the size, times and inode it had when it was last read."""
    with spool.with_catalogue(catalogue) as db:
        db.execute(
            "UPDATE files SET sha256 = s.sha256, others = s.others FROM cat.source_files s, cat.source_reads r "
            "WHERE r.collection = ?1 AND r.source = ?2 AND r.algorithms = ?3 AND s.collection = ?1 AND s.path = files.path "
            "AND s.size = files.size AND s.mtime = files.mtime AND s.ctime = files.ctime AND s.inode = files.inode "
            "AND files.sha256 IS NULL",
            (collection, os.fsencode(source), " ".join(algorithms)),
        )


def remember(
    spool: Spool, catalogue: Path, collection: str, source: str, algorithms: tuple[str, ...], seal: Digest, started: int
) -> None:
    """Keep what was read for the next run's `recall`. `started` is when the scan began, in nanoseconds since 1970."""
    with spool.with_catalogue(catalogue), spool.transaction() as db:
        db.execute("DELETE FROM cat.source_files WHERE collection = ?", (collection,))
        db.execute(
            "INSERT INTO cat.source_files SELECT ?, path, size, mtime, ctime, inode, sha256, others FROM files "
            "WHERE read < 2 AND max(mtime, ctime) < ? ORDER BY path",
            (collection, started - RACY_NANOSECONDS),
        )
        db.execute(
            "INSERT OR REPLACE INTO cat.source_reads (collection, source, algorithms, seal) VALUES (?, ?, ?, ?)",
            (collection, os.fsencode(source), " ".join(algorithms), seal.raw),
        )


def learn(catalogue: Catalogue, store: Store, number: int) -> int:
    """Take in the packs and large contents that others, or a run of ours that was cut off, left in the store. How many were new.

    What is learned is a hint: nothing is sealed on the strength of it before it was read back (reliance.py). A pack is shared as far as
    the bags that name it say; one that no bag names may hold restricted contents and is shared with nobody.
    """
    seen = catalogue.known_objects(number)
    packs = {}
    for stat in store.list("packs/"):
        found = keys.parse_pack_key(stat.key) if stat.key.base == (stat.key, 0) else None
        if found is not None and (found[0], found[1].raw) not in seen:
            packs[found[1]] = found[0], stat
    large = {digest: stat for stat in store.list("content/") if (digest := _named(stat.key)) and ("content", digest.raw) not in seen}
    scopes = scopes_of(store, set(packs) | set(large)) if packs or large else {}
    for digest, (kind, stat) in packs.items():
        with suppress(InvalidValueError, StoreError):  # an index is only a hint: what this pack holds is then stored once more
            members = parse_index(read_all(store, keys.pack_index(digest), _INDEX_LIMIT))
            contents = [(member.digest.raw, member.length) for member in members]
            for scope in scopes.get(digest, {NOBODY}):
                catalogue.record_object(number, kind, digest, stat.size, scope=scope, contents=contents)
    for digest, stat in large.items():
        for scope in scopes.get(digest, {NOBODY}):
            catalogue.record_object(number, "content", digest, stat.size, scope=scope, contents=[(digest.raw, stat.size)])
    return len(packs) + len(large)


def _named(key: keys.StoreKey) -> Digest | None:
    try:
        return Digest(key.text.rpartition("/")[2])
    except InvalidValueError:
        return None

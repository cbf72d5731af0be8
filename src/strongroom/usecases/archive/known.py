"""What need not be read again, and what the store already holds."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final

from strongroom.catalogue import Catalogue
from strongroom.catalogue.slices import source_files, source_read
from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError, StoreError
from strongroom.core.pack import INDEX_LIMIT, parse_index
from strongroom.database import Where, transaction
from strongroom.stores.generations import read_all
from strongroom.stores.interface import Store
from strongroom.usecases.archive.scopes import NOBODY, scopes_of
from strongroom.usecases.archive.spool import Spool

#: A file whose times lie this close to the start of the run that read it may have changed again within one tick of the clock.
RACY_NANOSECONDS: Final = 2_000_000_000

_FILES: Final = "path TEXT, size BIGINT, mtime BIGINT, ctime BIGINT, inode BIGINT, pin TEXT, sha256 BYTEA, others BYTEA, read BIGINT"


def recall(spool: Spool, catalogue: Where, collection: str, source: str, algorithms: tuple[str, ...]) -> None:
    """Give the digests it had to every file with the size, times, inode and pin it had when it was last read."""
    with spool.with_catalogue(catalogue, source_read(collection), source_files(collection)) as db:
        db.execute(
            "UPDATE files SET sha256 = s.sha256, others = s.others FROM cat.source_files s, cat.source_reads r "
            "WHERE r.collection = ?1 AND r.source = ?2 AND r.algorithms = ?3 AND s.collection = ?1 AND s.path = files.path "
            "AND s.size = files.size AND s.mtime = files.mtime AND s.ctime = files.ctime AND s.inode = files.inode AND s.pin IS files.pin "
            "AND files.sha256 IS NULL",
            (collection, os.fsencode(source), " ".join(algorithms)),
        )


def remember(
    spool: Spool, catalogue: Catalogue, collection: str, source: str, algorithms: tuple[str, ...], seal: Digest, started: int
) -> None:
    """Keep what was read for the next run's `recall`. `started` is when the scan began, in nanoseconds since 1970.

    A pin tells a changed object whatever the clocks say."""
    with catalogue.beside(spool.path, "run", {"files": _FILES}) as db, transaction(db):
        db.execute("DELETE FROM source_files WHERE collection = ?", (collection,))
        before = started - RACY_NANOSECONDS
        db.execute(
            "INSERT INTO source_files (collection, path, size, mtime, ctime, inode, pin, sha256, others) "
            "SELECT ?, path, size, mtime, ctime, inode, pin, sha256, others FROM run.files "
            "WHERE read < 2 AND (pin IS NOT NULL OR (mtime < ? AND ctime < ?)) ORDER BY path",
            (collection, before, before),
        )
        db.execute(
            "INSERT INTO source_reads (collection, source, algorithms, seal) VALUES (?, ?, ?, ?) ON CONFLICT (collection) DO UPDATE SET "
            "source = excluded.source, algorithms = excluded.algorithms, seal = excluded.seal",
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
            members = parse_index(read_all(store, keys.pack_index(digest), INDEX_LIMIT))
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

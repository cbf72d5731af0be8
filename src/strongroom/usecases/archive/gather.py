"""Filling the spool: what the source holds now, and what is carried over from the bag before."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from strongroom.catalogue.slices import source_read
from strongroom.collections.build import overlapping
from strongroom.collections.globs import compile_globs
from strongroom.collections.model import CollectionManifest
from strongroom.core.digests import Digest
from strongroom.core.errors import UsageError
from strongroom.core.findings import Finding
from strongroom.core.paths import escaped, to_payload_text
from strongroom.database import Where
from strongroom.runner.interface import Progress
from strongroom.sources.folder import Folder
from strongroom.sources.interface import UNHOLDABLE, Entry, Kind, Rules, Source
from strongroom.sources.mounts import here
from strongroom.sources.reading import signed
from strongroom.usecases.archive import clashes
from strongroom.usecases.archive.previous import SealedTagFiles
from strongroom.usecases.archive.spool import Spool
from strongroom.usecases.withheld.tombstones import Withheld

_ROWS = 5000


def scan(
    manifest: CollectionManifest, source: Source, home: Path, spool: Spool, progress: Progress, found: Callable[[Finding], None], *,
    whole: bool = False,
) -> None:
    """List the source into the spool; `home` is never taken, should it lie in there, and litter only when the source is taken `whole`.

    Raises SourceError if the source cannot be read, UsageError if it is no folder, StoreError if a server does not answer.
    """
    include, exclude = compile_globs(manifest.include), compile_globs(manifest.exclude)
    rules = Rules(include if manifest.include else lambda _: True, exclude, manifest.symlinks, home, whole)
    for entries in _chunks(source.entries(rules, found)):
        files = [entry for entry in entries if entry.kind is Kind.FILE]
        with spool.transaction() as db:
            db.executemany(
                "INSERT INTO files (path, name, size, mtime, ctime, inode, mode, pin) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                map(_file_row, files),
            )
            others = [_structure_row(entry) for entry in entries if entry.kind is not Kind.FILE]
            db.executemany(
                "INSERT OR REPLACE INTO structure (path, kind, mode, mtime, target, reason, name) VALUES (?, ?, ?, ?, ?, ?, ?)", others
            )
            named = ((entry.name, to_payload_text(entry.name)) for entry in entries if entry.kind is not Kind.EXCLUDED)
            names = [(path, name) for name, (path, odd) in named if odd]
            db.executemany("INSERT OR REPLACE INTO names (path, name) VALUES (?, ?)", names)
        progress.advance(len(files), sum(entry.size for entry in files))
    if not isinstance(source, Folder):
        clashes.leave_out(spool, source.place, found)
    spool.index_paths()


def _file_row(entry: Entry) -> tuple[object, ...]:
    path, odd = to_payload_text(entry.name)
    return path, entry.name if odd else None, entry.size, entry.mtime, entry.ctime, signed(entry.inode), entry.mode, entry.pin


def _structure_row(entry: Entry) -> tuple[object, ...]:
    path, odd = (escaped(entry.name), True) if entry.reason == UNHOLDABLE else to_payload_text(entry.name)
    name = entry.name if odd and entry.kind is Kind.EXCLUDED else None
    mode = entry.mode if entry.kind is Kind.DIRECTORY else None
    return path, entry.kind.value, mode, entry.mtime or None, entry.target or None, entry.reason or None, name


def _chunks(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    iterator = iter(entries)
    while chunk := list(itertools.islice(iterator, _ROWS)):
        yield chunk


def check_source_apart(manifest: CollectionManifest) -> None:
    """Raise UsageError where a store and the source lie one in the other: a bag would hold the store that holds it."""
    if isinstance(manifest.source, Path):
        manifest = replace(manifest, source=Path(os.fsdecode(here(os.fsencode(manifest.source)))))
    for number, _ in overlapping(manifest):
        store = manifest.stores[number].url
        raise UsageError(f"{manifest.file}: the store {store} and the source {manifest.source} lie one in the other; keep them apart")


def load_previous_paths(spool: Spool, previous: SealedTagFiles, withheld: Withheld) -> None:
    """The payload paths of the bag before, as the table `before`, but for those whose contents are withheld: they are no loss."""
    with spool.transaction() as db:
        db.execute("DROP TABLE IF EXISTS before")
        db.execute("CREATE TABLE before (path TEXT PRIMARY KEY) WITHOUT ROWID")
        there = ((path,) for path, sha256 in previous.paths() if bytes.fromhex(sha256) not in withheld)
        db.executemany("INSERT OR IGNORE INTO before VALUES (?)", there)


def still_there(spool: Spool, catalogue: Where, collection: str, seal: Digest) -> int:
    """How many paths of the bag with this seal the source has for certain: those of files that `known.recall` found unchanged since."""
    with spool.with_catalogue(catalogue, source_read(collection)) as db:
        if db.execute("SELECT 1 FROM cat.source_reads WHERE collection = ? AND seal = ?", (collection, seal.raw)).fetchone() is None:
            return 0
        return int(db.execute("SELECT count(*) FROM files WHERE read = 0 AND sha256 IS NOT NULL").fetchone()[0])


def lost(spool: Spool) -> tuple[int, int, list[str]]:
    """(paths of the bag before that are gone, paths it had, the first few that are gone)."""
    gone = "FROM before b WHERE NOT EXISTS (SELECT 1 FROM files f WHERE f.path = b.path)"
    examples = [row[0] for row in spool.db.execute(f"SELECT path {gone} ORDER BY path LIMIT 5")]
    return spool.one(f"SELECT count(*) {gone}"), spool.one("SELECT count(*) FROM before"), examples

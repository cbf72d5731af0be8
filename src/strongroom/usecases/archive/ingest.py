"""One batch of source files, in a worker process: read each once; fingerprint, deduplicate, identify, pack and upload."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, cast

from strongroom.core import canonical, keys
from strongroom.core.digests import Digest, hash_of
from strongroom.core.errors import ChecksumRefusedError, CondemnedKeyError, KeyExistsError
from strongroom.core.formats import extension_of
from strongroom.core.pack import LARGE_CONTENT
from strongroom.core.scans import Scan
from strongroom.database import read_only
from strongroom.stores.generations import holds, put_or_generation, put_stream_or_generation
from strongroom.stores.interface import Store
from strongroom.usecases.archive.claims import Claims
from strongroom.usecases.archive.identifying import Identification, Identified
from strongroom.usecases.archive.packing import Packs, StoredObject
from strongroom.usecases.archive.reading import (
    FileState,
    HashingReader,
    SourceReadError,
    check_unchanged,
    chunks_of,
    open_source,
    read_small,
    signed,
)
from strongroom.usecases.archive.scanning import ScanJob, Screen
from strongroom.usecases.given import GIVEN
from strongroom.usecases.streams import PIECE
from strongroom.usecases.withheld.tombstones import Withheld

#: Contents over this many bytes carry digests of their pieces (docs/format.md, 3.5).
PIECES_OVER: Final = 1024**3

_CHUNK_FILES: Final = 1000
_CHUNK_BYTES: Final = 8 * 1024**2
_BUFFER: Final = 1024**2
_STORED: Final = (
    GIVEN + "SELECT g.sha256 FROM given g WHERE EXISTS (SELECT 1 FROM places p JOIN objects o ON o.id = p.object "  # noqa: S608 -- constants
    "WHERE p.store = ?2 AND p.scope = ?3 AND p.sha256 = g.sha256 AND NOT o.damaged)"
)
_TRIES: Final = 3  # for a file that changes while it is read


@dataclass(frozen=True, slots=True)
class IngestJob:
    """A batch by reference: the rows `first` to `last` of the spool's work table."""

    spool: Path
    claims: Path
    catalogue: Path
    source: bytes
    follow: bool
    first: int
    last: int
    algorithms: tuple[str, ...]  # sha256 first
    identify: bool
    store: Store | None  # None: fingerprint only
    store_number: int
    scope: str
    compress: bool  # what shrinks
    withheld: Withheld  # contents that must not come into the store
    scan: ScanJob | None  # what is to be scanned for viruses before it is stored


#: (size, mtime, ctime, inode, mode, sha256, other digests, id): what was read of a file, its inode as SQLite holds it. Plain, since
#: every file's goes through a socket.
FileRow = tuple[int, int, int, int, int, bytes, bytes, int]


@dataclass(slots=True)
class IngestResult:
    """What became of a batch. `files`: FileRow; `problems`: (id, kind, message);
    of what is withheld, why."""

    files: list[FileRow] = field(default_factory=list)
    problems: list[tuple[int, str, str]] = field(default_factory=list)
    objects: list[StoredObject] = field(default_factory=list)
    formats: Identified = field(default_factory=Identified)
    scans: list[tuple[bytes, Scan]] = field(default_factory=list)
    read: int = 0  # bytes


def ingest(job: IngestJob) -> IngestResult:
    """Carry out `job`. Running it again does no harm: a content may then lie in the store twice, never in no place."""
    return _Batch(job).run()


class _Batch:
    def __init__(self, job: IngestJob) -> None:
        self._job = job
        self._result = IngestResult()
        self._packs = Packs(job.store, self._result.objects, compress=job.compress) if job.store is not None else None
        self._chunk: dict[bytes, bytes] = {}  # contents by digest
        self._named: set[tuple[bytes, str]] = set()  # and the extensions under which they occur
        self._chunk_files = 0
        self._chunk_bytes = 0
        self._catalogue = read_only(job.catalogue)
        self._claims = Claims(job.claims, job.first)
        self._hashes = [hash_of(algorithm) for algorithm in job.algorithms]
        self._identification = Identification(self._catalogue, self._claims, job.claims.parent)
        self._result.formats = self._identification.found
        self._screen = Screen(job.scan, self._catalogue, self._claims, job.claims.parent) if job.scan is not None else None

    def run(self) -> IngestResult:
        spool = read_only(self._job.spool)
        try:
            rows = spool.execute(
                "SELECT f.id, coalesce(f.name, substr(CAST(f.path AS BLOB), 6)), f.path FROM work w JOIN files f ON f.id = w.file "
                "WHERE w.seq BETWEEN ? AND ? ORDER BY w.seq",
                (self._job.first, self._job.last),
            )
            for number, name, path in rows:
                self._file(number, name, path)
            self._settle()
            if self._packs is not None:
                self._packs.close()
        finally:
            spool.close()
            self._catalogue.close()
            self._claims.close()
            self._job.withheld.close()
        self._result.scans = self._screen.rows if self._screen is not None else []
        return self._result

    def _file(self, number: int, name: bytes, path: str) -> None:
        for left in reversed(range(_TRIES)):
            try:
                self._read(number, self._job.source + b"/" + name, extension_of(path))
            except SourceReadError as problem:
                if problem.kind == "changing" and left:
                    continue
                self._result.problems.append((number, problem.kind, str(problem)))
            return

    def _read(self, number: int, path: bytes, extension: str) -> None:
        descriptor = open_source(path, follow=self._job.follow)
        try:
            state = FileState.of(descriptor)
            if state.size > LARGE_CONTENT:
                self._large(number, descriptor, state, extension)
                return
            data = read_small(descriptor, state)
        finally:
            os.close(descriptor)
        sha256, *others = [digest(data).digest() for digest in self._hashes]
        self._result.read += len(data)
        if sha256 in self._job.withheld:
            self._withheld(number, sha256)
            return
        self._result.files.append(_row(number, state, sha256, b"".join(others)))
        self._named.add((sha256, extension))
        if sha256 not in self._chunk:
            self._chunk[sha256] = data
            self._chunk_bytes += len(data)
        self._chunk_files += 1
        if self._chunk_files >= _CHUNK_FILES or self._chunk_bytes >= _CHUNK_BYTES:
            self._settle()

    # -- small contents

    def _settle(self) -> None:
        """Decide for a chunk of files which contents are new here, and pack those."""
        chunk, self._chunk, self._chunk_bytes, self._chunk_files = self._chunk, {}, 0, 0
        known = self._stored(chunk)
        new = self._claims.claim(chunk.keys() - known)
        barred = self._screen.barred(chunk, new) if self._screen is not None else set()
        if self._job.identify:
            wanted = self._identification.wanted(pair for pair in self._named if pair[0] not in barred)
            self._identification.identify([(sha256, extension, chunk[sha256]) for sha256, extension in wanted])
        self._named.clear()
        if self._packs is None:
            return
        for sha256, content in chunk.items():
            if sha256 in new and sha256 not in barred:
                self._packs.add(Digest.from_bytes(sha256), content)

    def _stored(self, contents: Collection[bytes]) -> set[bytes]:
        """Those of the contents that have a trusted place in the store."""
        if self._job.store is None or not contents:
            return set()
        values = (b"".join(contents), self._job.store_number, self._job.scope)
        return {sha256 for (sha256,) in self._catalogue.execute(_STORED, values)}

    def _withheld(self, number: int, sha256: bytes) -> None:
        self._result.problems.append((number, "withheld", self._job.withheld.reason(sha256) or ""))

    # -- large contents

    def _large(self, number: int, descriptor: int, state: FileState, extension: str) -> None:
        with self._reader(descriptor, state) as reader:
            self._read_large(number, descriptor, state, reader, extension)

    def _read_large(self, number: int, descriptor: int, state: FileState, reader: HashingReader, extension: str) -> None:
        store = self._job.store
        barred = False
        if store is not None and store.capabilities.late_naming and self._screen is None and not self._has_like_sized(state.size):
            self._store_while_reading(store, reader, descriptor, state)
        else:
            reader.drain()
            check_unchanged(descriptor, state)
            sha256 = reader.digest("sha256")
            if sha256 in self._job.withheld:
                self._withheld(number, sha256)
                return
            new = not self._stored([sha256]) and bool(self._claims.claim([sha256]))
            barred = self._screen is not None and self._screen.bars(sha256, lambda: chunks_of(descriptor), new=new)
            if store is not None and new and not barred:
                self._store_by_reading_again(store, reader, descriptor, state)
        sha256 = reader.digest("sha256")
        if self._job.identify and not barred and self._identification.wanted([(sha256, extension)]):
            self._identification.identify([(sha256, extension, descriptor)])
        self._result.read += state.size
        others = b"".join(reader.digest(algorithm) for algorithm in self._job.algorithms[1:])
        self._result.files.append(_row(number, state, sha256, others))

    def _reader(self, descriptor: int, state: FileState) -> HashingReader:
        piece = PIECE if state.size > PIECES_OVER else None
        return HashingReader(descriptor, self._job.algorithms, piece)

    def _has_like_sized(self, size: int) -> bool:
        """Whether the store has, or must not have, a large content of this very length: then it is hashed before anything is written."""
        if self._job.withheld.may_have(size):
            return True
        sql = "SELECT 1 FROM places WHERE store = ? AND length = ? AND length > 4194304"  # the condition of the partial index
        return self._catalogue.execute(sql, (self._job.store_number, size)).fetchone() is not None

    def _store_while_reading(self, store: Store, reader: HashingReader, descriptor: int, state: FileState) -> None:
        def name() -> tuple[keys.StoreKey, Digest]:
            if reader.length != state.size:
                raise SourceReadError("changing", f"changed while it was read: {state.size} bytes were announced and {reader.length} came")
            check_unchanged(descriptor, state)
            digest = Digest.from_bytes(reader.digest("sha256"))
            return keys.content(digest), digest

        try:
            store.receive(cast(IO[bytes], reader), name)
        except CondemnedKeyError:
            self._store_by_reading_again(store, reader, descriptor, state)
            return
        except KeyExistsError:
            digest = Digest.from_bytes(reader.digest("sha256"))
            if not holds(store, keys.content(digest), digest):
                self._store_by_reading_again(store, reader, descriptor, state)
                return
        self._note(store, reader, state)

    def _store_by_reading_again(self, store: Store, reader: HashingReader, descriptor: int, state: FileState) -> None:
        digest = Digest.from_bytes(reader.digest("sha256"))

        def again() -> IO[bytes]:
            os.lseek(descriptor, 0, os.SEEK_SET)
            return os.fdopen(os.dup(descriptor), "rb", buffering=_BUFFER)

        try:
            put_stream_or_generation(store, keys.content(digest), again, state.size, digest)
        except ChecksumRefusedError as error:
            check_unchanged(descriptor, state)  # says "changed" where that is the reason
            raise SourceReadError("changing", "gave other bytes when it was read again") from error
        self._note(store, reader, state)

    def _note(self, store: Store, reader: HashingReader, state: FileState) -> None:
        digest = Digest.from_bytes(reader.digest("sha256"))
        if reader.pieces:
            pieces = canonical.dumps({"length": state.size, "piece": PIECE, "sha256": reader.pieces})
            put_or_generation(store, keys.pieces(digest), pieces, Digest.of(pieces))
        self._result.objects.append(StoredObject("content", digest, state.size, [(digest.raw, state.size)]))


def _row(number: int, state: FileState, sha256: bytes, others: bytes) -> FileRow:
    return state.size, state.mtime, state.ctime, signed(state.inode), state.mode, sha256, others, number

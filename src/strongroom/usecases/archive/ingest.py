"""One batch of source files, in a worker process: read each once; fingerprint, deduplicate, identify, pack and upload."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, cast

from strongroom.catalogue.slices import TRUSTED
from strongroom.core import canonical, keys
from strongroom.core.digests import HEX_LENGTH, Digest
from strongroom.core.errors import ChecksumRefusedError, CondemnedKeyError, KeyExistsError
from strongroom.core.formats import extension_of
from strongroom.core.scans import Scan
from strongroom.database import Where, open_reader, read_only
from strongroom.hashing import digests_of
from strongroom.sources.interface import Large, Row, Source, Taken
from strongroom.sources.reading import FileState, SourceReadError
from strongroom.stores.generations import holds, put_or_generation, put_stream_or_generation
from strongroom.stores.interface import Store
from strongroom.usecases.archive.claims import Claims
from strongroom.usecases.archive.filerows import FileRows
from strongroom.usecases.archive.identifying import Identification, Identified
from strongroom.usecases.archive.packing import Packs, StoredObject
from strongroom.usecases.archive.reading import HashingReader, chunks_of
from strongroom.usecases.archive.scanning import ScanJob, Screen
from strongroom.usecases.given import GIVEN
from strongroom.usecases.streams import PIECE
from strongroom.usecases.withheld.tombstones import Withheld

#: Contents over this many bytes carry digests of their pieces (docs/format.md, 3.5).
PIECES_OVER: Final = 1024**3

_CHUNK_FILES: Final = 1000
_CHUNK_BYTES: Final = 8 * 1024**2
_STORED: Final = (
    GIVEN + "SELECT g.sha256 FROM given g WHERE EXISTS (SELECT 1 FROM places p JOIN objects o ON o.id = p.object "  # noqa: S608 -- constants
    f"WHERE p.store = ?2 AND p.scope = ?3 AND p.sha256 = g.sha256 AND {TRUSTED})"
)
_TRIES: Final = 3  # for a file that changes while it is read


@dataclass(frozen=True, slots=True)
class IngestJob:
    """A batch by reference: the rows `first` to `last` of the spool's work table."""

    spool: Path
    claims: Path
    catalogue: Where
    source: Source
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


#: A small file that was read: its id, state, extension and bytes.
_Small = tuple[int, FileState, str, bytes]

@dataclass(slots=True)
class IngestResult:
    """What became of a batch. `problems`: (id, kind, message); of what is withheld, why."""

    files: FileRows
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
        self._result = IngestResult(FileRows(sum(HEX_LENGTH[name] // 2 for name in job.algorithms[1:])))
        self._packs = Packs(job.store, self._result.objects, compress=job.compress) if job.store is not None else None
        self._chunk: list[_Small] = []
        self._chunk_bytes = 0
        self._catalogue = open_reader(job.catalogue)
        self._claims = Claims(job.claims, job.first)
        self._identification = Identification(self._catalogue, self._claims, job.claims.parent)
        self._result.formats = self._identification.found
        self._screen = Screen(job.scan, self._catalogue, self._claims, job.claims.parent) if job.scan is not None else None
        self._files = job.source.files(job.claims.parent)

    def run(self) -> IngestResult:
        try:
            with closing(read_only(self._job.spool)) as spool, closing(self._files.read(self._rows(spool))) as files:
                for row, taken in files:
                    self._file(row, taken)
            self._settle()
            if self._packs is not None:
                self._packs.close()
        finally:
            self._catalogue.close()
            self._claims.close()
            self._job.withheld.close()
        self._result.scans = self._screen.rows if self._screen is not None else []
        return self._result

    def _rows(self, spool: sqlite3.Connection) -> Iterator[Row]:
        """A chunk at a time, so that memory does not grow with the batch; and a chunk at once: while a statement is open nobody else may
        write, where machines share the folder."""
        for first in range(self._job.first, self._job.last + 1, _CHUNK_FILES):
            yield from spool.execute(
                "SELECT f.id, coalesce(f.name, substr(CAST(f.path AS BLOB), 6)), f.path, f.size, f.mtime, f.inode, f.pin "
                "FROM work w JOIN files f ON f.id = w.file WHERE w.seq BETWEEN ? AND ? ORDER BY w.seq",
                (first, min(first + _CHUNK_FILES - 1, self._job.last)),
            ).fetchall()

    def _file(self, row: Row, taken: Taken | SourceReadError | None) -> None:
        for left in reversed(range(_TRIES)):
            try:
                self._take(row[0], row[2], self._files.now(row[1]) if taken is None else taken)
            except SourceReadError as problem:
                if problem.kind == "changing" and left:
                    taken = None
                    continue
                self._result.problems.append((row[0], problem.kind, str(problem)))
            return

    def _take(self, number: int, path: str, taken: Taken | SourceReadError) -> None:
        if isinstance(taken, SourceReadError):
            raise taken
        extension = extension_of(path)
        state, data = taken
        if not isinstance(data, bytes):
            with data as large:
                self._large(number, large, extension)
            return
        self._result.read += len(data)
        self._chunk.append((number, state, extension, data))
        self._chunk_bytes += len(data)
        if len(self._chunk) >= _CHUNK_FILES or self._chunk_bytes >= _CHUNK_BYTES:
            self._settle()

    # -- small contents

    def _settle(self) -> None:
        """Fingerprint a chunk of files, decide which contents are new here, and pack those."""
        files, self._chunk, self._chunk_bytes = self._chunk, [], 0
        chunk, named = self._fingerprint(files)
        known = self._stored(chunk)
        new = self._claims.claim(chunk.keys() - known)
        barred = self._screen.barred(chunk, new) if self._screen is not None else set()
        if self._job.identify:
            wanted = self._identification.wanted(pair for pair in named if pair[0] not in barred)
            self._identification.identify([(sha256, extension, chunk[sha256]) for sha256, extension in wanted])
        if self._packs is None:
            return
        for sha256, content in chunk.items():
            if sha256 in new and sha256 not in barred:
                self._packs.add(Digest.from_bytes(sha256), content)

    def _fingerprint(self, files: Sequence[_Small]) -> tuple[dict[bytes, bytes], set[tuple[bytes, str]]]:
        """The contents of these files by digest, and the extensions under which each occurs; what is withheld is left out."""
        chunk: dict[bytes, bytes] = {}
        named: set[tuple[bytes, str]] = set()
        contents = [data for _, _, _, data in files]
        digests = zip(*(digests_of(contents, algorithm) for algorithm in self._job.algorithms), strict=True)
        for (number, state, extension, data), (sha256, *others) in zip(files, digests, strict=True):
            if sha256 in self._job.withheld:
                self._withheld(number, sha256)
                continue
            self._result.files.add(number, state, sha256, b"".join(others))
            named.add((sha256, extension))
            chunk[sha256] = data
        return chunk, named

    def _stored(self, contents: Collection[bytes]) -> set[bytes]:
        """Those of the contents that have a trusted place in the store."""
        if self._job.store is None or not contents:
            return set()
        values = (b"".join(contents), self._job.store_number, self._job.scope)
        return {sha256 for (sha256,) in self._catalogue.execute(_STORED, values)}

    def _withheld(self, number: int, sha256: bytes) -> None:
        self._result.problems.append((number, "withheld", self._job.withheld.reason(sha256) or ""))

    # -- large contents

    def _large(self, number: int, large: Large, extension: str) -> None:
        with HashingReader(large.read, self._job.algorithms, PIECE if large.state.size > PIECES_OVER else None) as reader:
            self._read_large(number, large, reader, extension)

    def _read_large(self, number: int, large: Large, reader: HashingReader, extension: str) -> None:
        store, state = self._job.store, large.state
        barred = False
        if store is not None and store.capabilities.late_naming and self._screen is None and not self._has_like_sized(state.size):
            self._store_while_reading(store, reader, large)
        else:
            reader.drain()
            large.check()
            sha256 = reader.digest("sha256")
            if sha256 in self._job.withheld:
                self._withheld(number, sha256)
                return
            new = not self._stored([sha256]) and bool(self._claims.claim([sha256]))
            barred = self._screen is not None and self._screen.bars(sha256, lambda: chunks_of(large.again), new=new)
            if store is not None and new and not barred:
                self._store_by_reading_again(store, reader, large)
        sha256 = reader.digest("sha256")
        if self._job.identify and not barred and self._identification.wanted([(sha256, extension)]):
            self._identification.identify([(sha256, extension, large.sample())])
        self._result.read += state.size
        others = b"".join(reader.digest(algorithm) for algorithm in self._job.algorithms[1:])
        self._result.files.add(number, state, sha256, others)

    def _has_like_sized(self, size: int) -> bool:
        """Whether the store has, or must not have, a large content of this very length: then it is hashed before anything is written."""
        if self._job.withheld.may_have(size):
            return True
        sql = "SELECT 1 FROM places WHERE store = ? AND length = ? AND length > 4194304"  # the condition of the partial index
        return self._catalogue.execute(sql, (self._job.store_number, size)).fetchone() is not None

    def _store_while_reading(self, store: Store, reader: HashingReader, large: Large) -> None:
        def name() -> tuple[keys.StoreKey, Digest]:
            size = large.state.size
            if reader.length != size:
                raise SourceReadError("changing", f"changed while it was read: {size} bytes were announced and {reader.length} came")
            large.check()
            digest = Digest.from_bytes(reader.digest("sha256"))
            return keys.content(digest), digest

        try:
            store.receive(cast(IO[bytes], reader), name)
        except CondemnedKeyError:
            self._store_by_reading_again(store, reader, large)
            return
        except KeyExistsError:
            digest = Digest.from_bytes(reader.digest("sha256"))
            if not holds(store, keys.content(digest), digest):
                self._store_by_reading_again(store, reader, large)
                return
        self._note(store, reader, large.state)

    def _store_by_reading_again(self, store: Store, reader: HashingReader, large: Large) -> None:
        digest = Digest.from_bytes(reader.digest("sha256"))
        try:
            put_stream_or_generation(store, keys.content(digest), large.again, large.state.size, digest)
        except ChecksumRefusedError as error:
            large.check()  # says "changed" where that is the reason
            raise SourceReadError("changing", "gave other bytes when it was read again") from error
        self._note(store, reader, large.state)

    def _note(self, store: Store, reader: HashingReader, state: FileState) -> None:
        digest = Digest.from_bytes(reader.digest("sha256"))
        if reader.pieces:
            pieces = canonical.dumps({"length": state.size, "piece": PIECE, "sha256": reader.pieces})
            put_or_generation(store, keys.pieces(digest), pieces, Digest.of(pieces))
        self._result.objects.append(StoredObject("content", digest, state.size, [(digest.raw, state.size)]))

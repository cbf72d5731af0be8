"""Where the members of packs lie: by the copies of their indexes, else by the headers of the tars (docs/format.md, 3.2 and 3.3)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from strongroom.core.digests import Digest
from strongroom.core.errors import (
    DamagedInStoreError,
    InvalidValueError,
    NotFoundInStoreError,
    StoreUnreachableError,
    UnreadableInStoreError,
)
from strongroom.core.findings import Code, Finding
from strongroom.core.keys import StoreKey, pack_index, parse_pack_key
from strongroom.core.pack import BLOCK, INDEX_LIMIT, INDEX_NAME, Member, parse_header, parse_index
from strongroom.stores.generations import answers, read_all
from strongroom.stores.interface import Reader, Store
from strongroom.usecases.framing import framed_members, is_framed
from strongroom.usecases.restore.plan import Place
from strongroom.usecases.sealed.objects import CHUNK

_ROW: Final = struct.Struct("<32sQQQQ")  # sha256, offset, length, and the frame they are within: offset, length
_ZERO: Final = bytes(BLOCK)
_THREADS: Final = 4


@dataclass(frozen=True, slots=True)
class IndexBatch:
    """Packs whose members are asked for, by the keys of their tars; `headers`: by reading the tars, whatever the indexes say.
    `stubborn`: a tar that cannot be read, although the store answers, holds what could be read of it."""

    store: Store
    tars: tuple[str, ...]
    headers: bool
    stubborn: bool = False


@dataclass(slots=True)
class IndexResult:
    packs: list[tuple[str, bytes]] = field(default_factory=list)  # key of the tar, rows of _ROW
    findings: list[Finding] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)  # keys of tars that are there, and that the store cannot give

    def places(self) -> Iterator[Place]:
        for key, rows in self.packs:
            for sha, *numbers in _ROW.iter_unpack(rows):
                yield Place(sha, key, *numbers)

    def digests(self) -> Iterator[bytes]:
        """The contents that lie in the packs, by SHA-256."""
        for _, rows in self.packs:
            for row in _ROW.iter_unpack(rows):
                yield row[0]


def read_indexes(batch: IndexBatch) -> IndexResult:
    """What lies in each of these packs. A pack that is not there, or makes no sense, holds nothing. Raises StoreUnreachableError."""
    result = IndexResult()
    with ThreadPoolExecutor(_THREADS) as threads:
        for key, rows, findings in threads.map(lambda tar: _read_one(batch, StoreKey(tar)), batch.tars):
            if rows is None:
                result.unread.append(key)
            else:
                result.packs.append((key, rows))
            result.findings += findings
    return result


def _read_one(batch: IndexBatch, tar: StoreKey) -> tuple[str, bytes | None, list[Finding]]:
    store = batch.store
    findings: list[Finding] = []
    if not batch.headers:
        index = pack_index(pack_digest(tar))
        try:
            members = parse_index(read_all(store, index, INDEX_LIMIT))
            return tar.text, _rows(tar, members), findings
        except NotFoundInStoreError:
            findings.append(Finding(Code.INDEX_WRONG, f"{store.url}: {index}", "is not there; the headers of the pack were read instead"))
        except (InvalidValueError, DamagedInStoreError, StoreUnreachableError, struct.error) as error:
            if isinstance(error, StoreUnreachableError) and not answers(store):
                raise
            findings.append(Finding(Code.INDEX_WRONG, f"{store.url}: {index}", f"{error}; the headers of the pack were read instead"))
    try:
        return tar.text, _rows(tar, _scan(batch, tar, findings)), findings
    except NotFoundInStoreError:
        return tar.text, b"", []  # an old hint may name what a sweep took
    except UnreadableInStoreError:
        return tar.text, None, findings


def _scan(batch: IndexBatch, tar: StoreKey, findings: list[Finding]) -> Iterator[Member]:
    """The members by the headers. Raises NotFoundInStoreError."""
    try:
        with batch.store.get(tar) as reader:
            yield from scan_pack(tar, reader)
    except StoreUnreachableError as error:
        if not batch.stubborn or not answers(batch.store):
            raise
        what = f"could not be read ({error}); other copies are looked for"
        findings.append(Finding(Code.COPY_DAMAGED, f"{batch.store.url}: {tar}", what))


def _rows(pack: StoreKey, members: Iterable[Member]) -> bytes:
    """The rows of these members. Raises InvalidValueError where an index speaks of frames and the pack has none, or the other way round."""
    rows, framed = [], is_framed(pack)
    for member in members:
        if (member.frame is not None) != framed:
            raise InvalidValueError("its index is that of a pack of the other kind")
        frame = (member.frame.offset, member.frame.length) if member.frame else (0, 0)
        rows.append(_ROW.pack(member.digest.raw, member.offset, member.length, *frame))
    return b"".join(rows)


def pack_digest(pack: StoreKey) -> Digest:
    """The digest in the key of a pack, in any generation. Raises InvalidValueError if the key is none of a pack.

    >>> pack_digest(StoreKey("packs/ab/" + "ab" * 32 + ".tar~1")).hex[:4]
    'abab'
    """
    found = parse_pack_key(pack)
    if found is None:
        raise InvalidValueError(f"{pack}: no key of a pack")
    return found[1]


def scan_pack(pack: StoreKey, reader: Reader) -> Iterator[Member]:
    """The members that the headers of the pack at this key announce, streamed; their digests are not verified."""
    return framed_members(reader) if is_framed(pack) else _scan_headers(reader)


def _scan_headers(reader: Reader) -> Iterator[Member]:
    """Of a tar as it is. A block that should be a header and is none is passed over,
    and so are the following ones until there is a header again: damage to one header costs one member."""
    at = 0
    while len(block := _read_exactly(reader, BLOCK)) == BLOCK:
        at += BLOCK
        try:
            header = None if block == _ZERO else parse_header(block)
        except InvalidValueError:
            header = None
        if header is None:
            continue
        name, length = header
        if name != INDEX_NAME:
            try:
                yield Member(Digest(name), at, length)
            except InvalidValueError:
                continue  # a file whose text looks like a header, behind a damaged one
        padded = length + -length % BLOCK
        if _skip(reader, padded) < padded:
            return
        at += padded


def _read_exactly(reader: Reader, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size and (chunk := reader.read(size - len(parts))):
        parts += chunk
    return bytes(parts)


def _skip(reader: Reader, size: int) -> int:
    skipped = 0
    while skipped < size and (chunk := reader.read(min(CHUNK, size - skipped))):
        skipped += len(chunk)
    return skipped

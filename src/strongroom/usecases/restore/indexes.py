"""Where the members of packs lie: by the copies of their indexes, else by the headers of the tars (docs/format.md, 3.2 and 3.3)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, NotFoundInStoreError
from strongroom.core.findings import Code, Finding
from strongroom.core.keys import StoreKey, pack_index
from strongroom.core.pack import INDEX_NAME, parse_header, parse_index
from strongroom.stores.generations import read_all
from strongroom.stores.interface import Reader, Store
from strongroom.usecases.restore.plan import Place
from strongroom.usecases.sealed.objects import CHUNK

#: An index has about 110 bytes a member, and a pack of empty files 32,768 members in 16 MiB of headers; others may pack differently.
_INDEX_LIMIT: Final = 256 << 20
_ROW: Final = struct.Struct("<32sQQ")  # sha256, offset, length
_BLOCK: Final = 512
_ZERO: Final = bytes(_BLOCK)
_THREADS: Final = 4


@dataclass(frozen=True, slots=True)
class IndexBatch:
    """Packs whose members are asked for, by the keys of their tars; `headers`: by reading the tars, whatever the indexes say."""

    store: Store
    tars: tuple[str, ...]
    headers: bool


@dataclass(slots=True)
class IndexResult:
    packs: list[tuple[str, bytes]] = field(default_factory=list)  # key of the tar, rows of (sha256, offset, length)
    findings: list[Finding] = field(default_factory=list)

    def places(self) -> Iterator[Place]:
        for key, rows in self.packs:
            for sha, offset, length in _ROW.iter_unpack(rows):
                yield Place(sha, key, offset, length)


def read_indexes(batch: IndexBatch) -> IndexResult:
    """What lies in each of these packs. A pack that is not there, or makes no sense, holds nothing. Raises StoreUnreachableError."""
    result = IndexResult()
    with ThreadPoolExecutor(_THREADS) as threads:
        for key, rows, findings in threads.map(lambda tar: _read_one(batch.store, StoreKey(tar), batch.headers), batch.tars):
            result.packs.append((key, rows))
            result.findings += findings
    return result


def _read_one(store: Store, tar: StoreKey, headers: bool) -> tuple[str, bytes, list[Finding]]:
    findings: list[Finding] = []
    if not headers:
        index = pack_index(pack_digest(tar))
        try:
            members = parse_index(read_all(store, index, _INDEX_LIMIT))
            return tar.text, b"".join(_ROW.pack(m.digest.raw, m.offset, m.length) for m in members), findings
        except NotFoundInStoreError:
            findings.append(Finding(Code.INDEX_WRONG, f"{store.url}: {index}", "is not there; the headers of the pack were read instead"))
        except (InvalidValueError, DamagedInStoreError, struct.error) as error:
            findings.append(Finding(Code.INDEX_WRONG, f"{store.url}: {index}", f"{error}; the headers of the pack were read instead"))
    try:
        with store.get(tar) as reader:
            return tar.text, b"".join(scan_headers(reader)), findings
    except NotFoundInStoreError:
        return tar.text, b"", findings


def pack_digest(tar: StoreKey) -> Digest:
    """The digest in the key of a pack, in any generation. Raises InvalidValueError if the key is none of a pack.

    >>> pack_digest(StoreKey("packs/ab/" + "ab" * 32 + ".tar~1")).hex[:4]
    'abab'
    """
    base, _ = tar.base
    return Digest(base.text.rpartition("/")[2].removesuffix(".tar"))


def scan_headers(reader: Reader) -> Iterator[bytes]:
    """A row for each member that the headers of a tar announce, streamed. A block that should be a header and is none is passed over,
    and so are the following ones until there is a header again: damage to one header costs one member."""
    at = 0
    while len(block := _read_exactly(reader, _BLOCK)) == _BLOCK:
        at += _BLOCK
        try:
            header = None if block == _ZERO else parse_header(block)
        except InvalidValueError:
            header = None
        if header is None:
            continue
        name, length = header
        if name != INDEX_NAME:
            try:
                yield _ROW.pack(Digest(name).raw, at, length)
            except (InvalidValueError, struct.error):
                continue  # a file whose text looks like a header, behind a damaged one
        padded = length + -length % _BLOCK
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

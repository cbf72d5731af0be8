"""Small contents into packs: as they are, or, where the collection wants it and they shrink, compressed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import IO, cast

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import KeyExistsError
from strongroom.core.frames import Compressor, FramePackBuilder
from strongroom.core.pack import PackBuilder
from strongroom.stores.features import ZSTD, declare
from strongroom.stores.generations import put_or_generation
from strongroom.stores.interface import Store


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A pack or large content that now lies in the store, and the (sha256, length) of the contents in it."""

    kind: str  # "pack", "zstd" or "content"
    digest: Digest
    size: int
    contents: list[tuple[bytes, int]]
    members: Digest | None = None  # of a pack: the digest of its index


class Packs:
    """Takes contents that are new to the store and notes in `written` the packs they lie in. Call `close` at the end."""

    def __init__(self, store: Store, written: list[StoredObject], *, compress: bool) -> None:
        self._store, self._written = store, written
        self._plain = PackBuilder()
        self._compressor = Compressor() if compress else None
        self._framed = FramePackBuilder(self._compressor) if compress else None
        self._declared = False

    def add(self, digest: Digest, data: bytes) -> None:
        shrinks = self._framed is not None and self._compressor is not None and self._compressor.shrinks(data)
        pack = self._framed if shrinks and self._framed is not None else self._plain
        if not pack.has_room(len(data)):
            self._put(pack)
        pack.add(digest, data)

    def close(self) -> None:
        """Store what is not full yet."""
        self._put(self._plain)
        if self._framed is not None:
            self._put(self._framed)

    def _put(self, pack: PackBuilder | FramePackBuilder) -> None:
        if not len(pack):
            return
        if pack.kind == "zstd" and not self._declared:
            declare(self._store, ZSTD)  # before the first such pack: who does not know them must not take the store for whole
            self._declared = True
        stored, index, digest, members = pack.finish()
        self._create(keys.stored(pack.kind, digest), stored, digest)
        named = Digest.of(index)
        put_or_generation(self._store, keys.pack_index(digest), index, named)
        self._written.append(StoredObject(pack.kind, digest, len(stored), [(one.digest.raw, one.length) for one in members], named))

    def _create(self, key: keys.StoreKey, data: bytes | bytearray, digest: Digest) -> None:
        if self._store.capabilities.late_naming:  # the bytes were hashed a moment ago; `put` would hash them again
            with suppress(KeyExistsError):
                self._store.receive(cast(IO[bytes], _Reader(data)), lambda: (key, digest))
                return
        put_or_generation(self._store, key, data, digest)


class _Reader:
    """Reads a pack where it is: io.BytesIO would first copy all of a bytearray, another 16 MiB for each worker."""

    def __init__(self, data: bytes | bytearray) -> None:
        self._data, self._at = memoryview(data), 0

    def read(self, size: int = -1, /) -> bytes:
        part = self._data[self._at : self._at + size if size >= 0 else None]
        self._at += len(part)
        return bytes(part)

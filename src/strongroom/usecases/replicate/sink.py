"""Writing contents into a store: small ones packed, large ones as objects, each read back from the medium before it counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO, Final

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import ChecksumRefusedError, DamagedInStoreError, NotFoundInStoreError, WrongStoreError
from strongroom.core.frames import FramePackBuilder
from strongroom.core.pack import LARGE_CONTENT, Member, PackBuilder
from strongroom.stores.features import ZSTD, declare
from strongroom.stores.generations import holds, put_or_generation, put_stream_or_generation, read_all
from strongroom.stores.interface import Store

_TRIES: Final = 2  # what does not read back is written once more, as the next generation
_HINT_LIMIT: Final = 256 << 20


@dataclass(frozen=True, slots=True)
class Written:
    """A pack or large content that lies in the store now and was read back, and the (sha256, length) of the contents in it."""

    kind: str  # "pack", "zstd" or "content"
    digest: Digest
    size: int  # bytes as stored
    contents: tuple[tuple[bytes, int], ...]
    members: Digest | None = None  # of a pack: the digest of its index


class Sink:
    """Takes contents whose digests the caller verified. Call `flush` at the end."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pack = PackBuilder()
        self._frames: FramePackBuilder | None = None
        self._declared: bool | None = None
        self.written: list[Written] = []
        self.failed: set[bytes] = set()  # SHA-256 of contents that could not be written so that they read back

    def takes_zstd(self) -> bool:
        """Whether compressed packs may be written: the store says so from now on. A scratch folder is no store and cannot say it."""
        if self._declared is None:
            try:
                declare(self._store, ZSTD)
            except WrongStoreError:
                self._declared = False
            else:
                self._declared = True
        return self._declared

    def add(self, digest: Digest, data: bytes | memoryview, *, compress: bool = False) -> None:
        """A content that fits in memory; `compress`: it lay in a compressed pack."""
        if len(data) > LARGE_CONTENT:
            stored = self._put(keys.content(digest), bytes(data), digest)
            self._note(stored, Written("content", digest, len(data), ((digest.raw, len(data)),)))
            return
        pack: PackBuilder | FramePackBuilder = self._pack
        if compress and self.takes_zstd():
            pack = self._frames = self._frames or FramePackBuilder()
        if not pack.has_room(len(data)):
            self._close(pack)
        pack.add(digest, data)

    def flush(self) -> None:
        """Close the packs that are being filled. Equal members in equal order make the same pack again, byte for byte, unless it is
        compressed."""
        self._close(self._pack)
        if self._frames is not None:
            self._close(self._frames)

    def _close(self, pack: PackBuilder | FramePackBuilder) -> None:
        if len(pack):
            data, index, digest, members = pack.finish()
            self.put_pack(pack.kind, digest, data, index, members)

    def put_pack(self, kind: str, digest: Digest, data: bytes | bytearray, index: bytes, members: Iterable[Member]) -> None:
        """A pack as it is to be stored, with what the caller knows to lie in it."""
        stored, named = self._put(keys.stored(kind, digest), data, digest), Digest.of(index)
        if stored:
            self._put(keys.pack_index(digest), index, named)  # only a hint: that it reads back is not insisted on
        self._note(stored, Written(kind, digest, len(data), tuple((member.digest.raw, member.length) for member in members), named))

    def stream(self, digest: Digest, length: int, open_source: Callable[[], IO[bytes]]) -> None:
        """A content of any size; `open_source` opens it anew for each try. What turns out to be other bytes fails."""
        key, stored = keys.content(digest), False
        for _ in range(_TRIES):
            try:
                at = put_stream_or_generation(self._store, key, open_source, length, digest)
            except ChecksumRefusedError:
                break
            if stored := holds(self._store, at, digest, uncached=True, as_stated=True):
                break
        self._note(stored, Written("content", digest, length, ((digest.raw, length),)))

    def copy_hint(self, source: Store, key: keys.StoreKey) -> None:
        """Copy a small object that helps and is never trusted, if the source has it."""
        try:
            data = read_all(source, key, _HINT_LIMIT)
        except (NotFoundInStoreError, DamagedInStoreError):
            return
        put_or_generation(self._store, key, data, Digest.of(data))

    def _put(self, key: keys.StoreKey, data: bytes | bytearray, digest: Digest) -> bool:
        for _ in range(_TRIES):
            at = put_or_generation(self._store, key, data, digest)
            if holds(self._store, at, digest, uncached=True, as_stated=True):
                return True
        return False

    def _note(self, stored: bool, written: Written) -> None:
        if stored:
            self.written.append(written)
        else:
            self.failed.update(sha256 for sha256, _ in written.contents)

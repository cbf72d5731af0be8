"""Reading a pack once and saying what is really in it."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import Final

from strongroom.core.digests import Digest, new_hash
from strongroom.core.errors import InvalidValueError
from strongroom.core.frames import members_of
from strongroom.core.keys import StoreKey
from strongroom.core.pack import BLOCK, INDEX_NAME, Frame, Member, format_index, parse_header
from strongroom.stores.interface import Reader, Store
from strongroom.usecases.framing import is_framed, split

_CHUNK: Final = 1024**2


@dataclass(frozen=True, slots=True)
class PackCheck:
    """What one pass over a pack found. A pack can be damaged and still hold sound members."""

    digest: Digest  # of the whole
    size: int  # bytes
    sound: tuple[tuple[Digest, int], ...]  # members whose bytes have the digest that is their name, with their lengths
    damaged: tuple[str, ...]  # names of members whose bytes have not
    whole: bool  # whether every header made sense up to the end
    framed: tuple[Member, ...] = ()  # of a compressed pack: the sound members with their frames
    plain: bool = True  # whether nothing lies in the pack but what these members and the index say

    @property
    def honest(self) -> bool:
        """Whether it is a pack in which every member is what its name says."""
        return self.whole and not self.damaged

    def contents(self) -> list[tuple[bytes, int]]:
        """The sound members as the catalogue takes them."""
        return [(digest.raw, length) for digest, length in self.sound]

    def members(self) -> Digest | None:
        """The digest of its index, as the catalogue keeps it of packs that are honest."""
        return Digest.of(self.index()) if self.honest else None

    def index(self) -> bytes:
        """The bytes that the index of this pack must have if it is sound (format.md, 3.3): where members lie follows from their lengths."""
        if self.framed or not self.sound:
            return format_index(self.framed)
        members, at = [], 0
        for digest, length in self.sound:
            members.append(Member(digest, at + BLOCK, length))
            at += BLOCK + length + -length % BLOCK
        return format_index(members)


class _HashedReader:
    """Reads exactly, out of large chunks that are hashed on the way: asking the store for every header costs more than the hashing."""

    def __init__(self, reader: Reader | io.BytesIO) -> None:
        self._reader = reader
        self._chunk = b""
        self._at = 0  # in the chunk
        self.hash = new_hash("sha256")
        self.size = 0

    def read(self, size: int) -> bytes:
        """`size` bytes, fewer only at the end."""
        parts = []
        while size > 0 and (self._at < len(self._chunk) or self._next()):
            part = self._chunk[self._at : self._at + size]
            self._at += len(part)
            size -= len(part)
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def drain(self) -> None:
        while self._next():
            pass

    def _next(self) -> bool:
        self._chunk, self._at = self._reader.read(_CHUNK), 0
        self.hash.update(self._chunk)
        self.size += len(self._chunk)
        return bool(self._chunk)


def check_pack(store: Store, key: StoreKey, *, uncached: bool = False) -> PackCheck:
    """Hash the pack at `key` and each of its members, in one pass, in memory for one chunk. Raises as Store.get."""
    sound: list[tuple[Digest, int]] = []
    damaged: list[str] = []
    with store.get(key, uncached=uncached) as opened:
        if is_framed(key):
            return _check_frames(_HashedReader(opened))
        reader = _HashedReader(opened)
        whole = _members(reader, sound, damaged)
        reader.drain()
    return PackCheck(Digest.from_bytes(reader.hash.digest()), reader.size, tuple(sound), tuple(damaged), whole)


def check_bytes(data: bytes) -> PackCheck:
    """The same for a compressed pack that was read already."""
    with io.BytesIO(data) as reader:
        return _check_frames(_HashedReader(reader))


def _members(reader: _HashedReader, sound: list[tuple[Digest, int]], damaged: list[str]) -> bool:
    while True:
        block = reader.read(BLOCK)
        try:
            header = parse_header(block) if len(block) == BLOCK else None
        except InvalidValueError:
            return False
        if header is None:
            return len(block) == BLOCK
        name, length = header
        running, left = hashlib.sha256(), length
        while left and (part := reader.read(min(left, _CHUNK))):
            running.update(part)
            left -= len(part)
        if name != INDEX_NAME:
            if left == 0 and running.hexdigest() == name:
                sound.append((Digest(name), length))
            else:
                damaged.append(name)
        if left or len(reader.read(-length % BLOCK)) != -length % BLOCK:
            return False


def _check_frames(reader: _HashedReader) -> PackCheck:
    """The same for a compressed pack, in memory for one frame."""
    sound: list[Member] = []
    damaged: list[str] = []
    index, whole, plain = b"", True, True
    for offset, length, content in split(reader.read):
        whole = whole and content is not None
        for name, member, data in members_of(content or b"", Frame(offset, length)):
            if member is None:
                whole, plain = whole and name == INDEX_NAME and not index, plain and not index
                index = bytes(data)
            elif hashlib.sha256(data).hexdigest() == name:
                sound.append(member)
            else:
                damaged.append(name)
    reader.drain()
    return PackCheck(
        Digest.from_bytes(reader.hash.digest()), reader.size, tuple((one.digest, one.length) for one in sound), tuple(damaged),
        whole and bool(index), tuple(sound), plain and whole and index == format_index(sound))

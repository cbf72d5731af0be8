"""Reading compressed packs: frame by frame, past damage, and single members out of their frames (docs/format.md, 3.2.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from strongroom.core.errors import InvalidValueError
from strongroom.core.frames import MAGIC, STORED_LIMIT, expand, frame_length, members_of
from strongroom.core.keys import StoreKey, parse_pack_key
from strongroom.core.pack import Frame, Member
from strongroom.stores.interface import Reader

_CHUNK: Final = 1 << 20
#: Places that look like the beginning of a frame and are none: after so many in one pack nothing more is looked for in it.
_FALSE_STARTS: Final = 200


def is_framed(key: StoreKey) -> bool:
    """Whether a compressed pack lies at the key."""
    found = parse_pack_key(key)
    return found is not None and found[0] == "zstd"


def split(read: Callable[[int], bytes]) -> Iterator[tuple[int, int, bytes | None]]:
    """(offset, length, content) of each frame of a stream; content None for bytes that are no frame or cannot be expanded.

    After damage the search goes on at the next place that looks like a frame, so that it costs the frames it touched. Memory: two frames.
    """
    buffer, offset, ended, false_starts = bytearray(), 0, False, 0
    while True:
        length, content = _first(buffer)
        if length is None and not ended:
            chunk = read(_CHUNK)
            ended = not chunk
            buffer += chunk
            continue
        if not buffer:
            return
        if content is None:
            false_starts += 1
            length = len(buffer) if false_starts > _FALSE_STARTS else _next_start(buffer, ended=ended)
        yield offset, length or 0, content
        del buffer[:length]
        offset += length or 0


def _first(buffer: bytearray) -> tuple[int | None, bytes | None]:
    """Length and content of the frame the buffer begins with. Length None: more bytes are wanted. Content None: it is none."""
    if not buffer:
        return None, None
    try:
        length = frame_length(buffer)
        return length, None if length is None else expand(bytes(memoryview(buffer)[:length]))
    except InvalidValueError:
        return 0, None


def _next_start(buffer: bytearray, *, ended: bool) -> int:
    at = buffer.find(MAGIC, 1)
    if at >= 0:
        return at
    return len(buffer) if ended else max(1, len(buffer) - len(MAGIC) + 1)  # its first bytes may be the last that came


def framed_members(reader: Reader) -> Iterator[Member]:
    """The members of a compressed pack by its headers; their digests are not verified."""
    for offset, length, content in split(reader.read):
        for _, member, _ in members_of(content or b"", Frame(offset, length)):
            if member is not None:
                yield member


def frame_content(stored: memoryview) -> memoryview:
    """What a frame holds; nothing if it is damaged: no member of it then has its digest."""
    try:
        return memoryview(expand(stored) if len(stored) <= STORED_LIMIT else b"")
    except InvalidValueError:
        return memoryview(b"")

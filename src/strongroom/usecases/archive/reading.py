"""Hashing a file while its bytes go elsewhere."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Final

from strongroom.core.digests import Hash, new_hash
from strongroom.sources.reading import SourceReadError
from strongroom.usecases.streams import Pieces, SideBySide

_CHUNK: Final = 1 << 20


class HashingReader(io.RawIOBase):
    """Passes a file through while every algorithm sees it. Close it."""

    def __init__(self, read: Callable[[int], bytes], algorithms: Sequence[str], piece: int | None) -> None:
        """`read` gives at most so many of the next bytes, b"" at the end; `piece`: bytes of the pieces whose digests are wanted too."""
        self._read = read
        self._hashes: dict[str, Hash] = {name: new_hash(name) for name in algorithms}
        self._pieces = Pieces(piece) if piece is not None else None
        self._running = SideBySide([*self._hashes.values(), *([self._pieces] if self._pieces else [])])
        self.length = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, which the hashes go on with while the caller writes them."""
        if size < 0:
            return self.readall()
        data = self._read(size)
        self._running.update(data)
        self.length += len(data)
        return data

    def drain(self) -> None:
        """Read to the end."""
        while self.read(_CHUNK):
            pass

    def close(self) -> None:
        with self._running:
            super().close()

    def digest(self, algorithm: str) -> bytes:
        """After the last byte was read."""
        self._running.settle()
        return self._hashes[algorithm].digest()

    @property
    def pieces(self) -> list[str]:
        self._running.settle()
        return self._pieces.digests() if self._pieces else []


def chunks_of(again: Callable[[], IO[bytes]]) -> Iterator[bytes]:
    """What the stream that `again` opens holds. Raises SourceReadError."""
    at = 0
    with again() as stream:
        try:
            while chunk := stream.read(_CHUNK):
                yield chunk
                at += len(chunk)
        except OSError as error:
            raise SourceReadError("unreadable", f"cannot be read at byte {at}: {error.strerror}") from error

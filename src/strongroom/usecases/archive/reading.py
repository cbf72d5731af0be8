"""Reading a source file so that what was read is what it was, or saying that it was not."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from strongroom.core.digests import Hash, new_hash
from strongroom.sources import local
from strongroom.usecases.streams import Pieces, SideBySide

_CHUNK: Final = 1 << 20


class SourceReadError(Exception):
    """A source file that could not be read as one consistent state. `kind` is changing, vanished or unreadable."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class FileState(NamedTuple):
    """What of a file must be the same before and after reading it."""

    size: int
    mtime: int
    ctime: int
    inode: int
    mode: int

    @classmethod
    def of(cls, descriptor: int) -> FileState:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            raise SourceReadError("changing", "was a file during the scan and is none now")
        return cls(info.st_size, local.clamp(info.st_mtime_ns), local.clamp(info.st_ctime_ns), info.st_ino, stat.S_IMODE(info.st_mode))


def signed(number: int) -> int:
    """An inode number as SQLite holds it: 64 bits with a sign. Some network file systems use all 64."""
    return number - (1 << 64) if number >= 1 << 63 else number


def open_source(path: bytes, *, follow: bool) -> int:
    """A descriptor of the file, without ever waiting on a FIFO or following a link that was not asked for. Raises SourceReadError."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        return os.open(path, flags)
    except FileNotFoundError as error:
        raise SourceReadError("vanished", "vanished after the scan") from error
    except OSError as error:
        raise SourceReadError("unreadable", f"cannot be read: {error.strerror}") from error


def read_small(descriptor: int, state: FileState) -> bytes:
    """The bytes of a file that is small enough for memory. Raises SourceReadError if it is not what `state` says throughout."""
    try:
        data = os.read(descriptor, state.size + 1)
        while 0 < len(data) < state.size:
            more = os.read(descriptor, state.size + 1 - len(data))
            if not more:
                break
            data += more
    except OSError as error:
        raise SourceReadError("unreadable", f"cannot be read: {error.strerror}") from error
    if len(data) != state.size:
        raise SourceReadError("changing", f"changed while it was read: {state.size} bytes were announced and {len(data)} came")
    check_unchanged(descriptor, state)
    return data


def check_unchanged(descriptor: int, state: FileState) -> None:
    if FileState.of(descriptor) != state:
        raise SourceReadError("changing", "changed while it was read")


def chunks_of(descriptor: int) -> Iterator[bytes]:
    """The file from its beginning, whatever was read of it before. Raises SourceReadError."""
    at = 0
    try:
        while chunk := os.pread(descriptor, _CHUNK, at):
            yield chunk
            at += len(chunk)
    except OSError as error:
        raise SourceReadError("unreadable", f"cannot be read at byte {at}: {error.strerror}") from error


class HashingReader(io.RawIOBase):
    """Passes a file through while every algorithm sees it. Close it."""

    def __init__(self, descriptor: int, algorithms: Sequence[str], piece: int | None) -> None:
        """`piece`: bytes of the pieces whose digests are wanted too."""
        self._descriptor = descriptor
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
        try:
            data = os.read(self._descriptor, size)
        except OSError as error:
            raise SourceReadError("unreadable", f"cannot be read at byte {self.length}: {error.strerror}") from error
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

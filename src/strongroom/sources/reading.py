"""Reading a file of a folder so that what was read is what it was, or saying that it was not."""

from __future__ import annotations

import os
import stat
from typing import IO, Final, NamedTuple

_BUFFER: Final = 1 << 20


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
    pin: str | None = None  # of an object in a bucket (interface.Entry)

    @classmethod
    def of(cls, descriptor: int) -> FileState:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            raise SourceReadError("changing", "was a file during the scan and is none now")
        return cls(info.st_size, clamp(info.st_mtime_ns), clamp(info.st_ctime_ns), info.st_ino, stat.S_IMODE(info.st_mode))


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


class OpenFile:
    """A file of any size that lies on a disk here, by its descriptor, which is closed with it. An interface.Large."""

    def __init__(self, descriptor: int, state: FileState, *, ours: bool = False) -> None:
        """`ours`: a copy that nobody else can change."""
        self._descriptor, self.state, self._ours = descriptor, state, ours
        self._at = 0

    def read(self, size: int, /) -> bytes:
        try:
            data = os.read(self._descriptor, size)
        except OSError as error:
            raise SourceReadError("unreadable", f"cannot be read at byte {self._at}: {error.strerror}") from error
        self._at += len(data)
        return data

    def again(self) -> IO[bytes]:
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self._at = 0
        return os.fdopen(os.dup(self._descriptor), "rb", buffering=_BUFFER)

    def check(self) -> None:
        if not self._ours:
            check_unchanged(self._descriptor, self.state)

    def sample(self) -> int:
        return self._descriptor

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> OpenFile:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def clamp(nanoseconds: int) -> int:
    """As 64 bits can hold it: some file systems keep years up to 2446, and nanoseconds since 1970 end in 2262."""
    return nanoseconds if _LEAST <= nanoseconds <= _MOST else max(_LEAST, min(nanoseconds, _MOST))


_LEAST: Final = -(1 << 63)
_MOST: Final = (1 << 63) - 1

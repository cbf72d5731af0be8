"""A large object, open: brought to a disk here if it fits into the spool, else streamed, and streamed again where it is read twice."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final, cast

from strongroom.sources.interface import Large
from strongroom.sources.ranged import RangedReader
from strongroom.sources.reading import FileState, OpenFile
from strongroom.sources.spooling import nameless_file

_SAMPLE: Final = 1 << 20  # bytes of the beginning, and of the end
_CHUNK: Final = 1 << 20

#: Bytes of one object from a start, so many. Raises SourceReadError.
Get = Callable[[int, int], bytes]


def open_large(get: Get, state: FileState, scratch: Path, spool: int) -> Large:
    """The object whose bytes `get` gives. `spool`: bytes that may lie in `scratch` for as long as it is open."""
    if state.size <= spool:
        try:
            return _spooled(get, state, scratch)
        except OSError:
            pass  # no room: then it streams
    return StreamedObject(get, state, scratch)


def _spooled(get: Get, state: FileState, scratch: Path) -> OpenFile:
    descriptor = nameless_file(scratch)
    try:
        with RangedReader(get, state.size) as reader:
            while chunk := reader.read(_CHUNK):
                view = memoryview(chunk)
                while view:
                    view = view[os.write(descriptor, view) :]
        os.lseek(descriptor, 0, os.SEEK_SET)
    except BaseException:
        os.close(descriptor)
        raise
    return OpenFile(descriptor, state, ours=True)


class StreamedObject:
    """An interface.Large that keeps nothing but its beginning and end on a disk, and those only when its format is asked for."""

    def __init__(self, get: Get, state: FileState, scratch: Path) -> None:
        self.state = state
        self._get, self._scratch = get, scratch
        self._reader = RangedReader(get, state.size)
        self._sample = -1

    def read(self, size: int, /) -> bytes:
        return self._reader.read(size)

    def again(self) -> IO[bytes]:
        self._reader.close()
        self._reader = RangedReader(self._get, self.state.size)
        return cast("IO[bytes]", self._reader)  # of a source, stores only read, seek and tell

    def check(self) -> None:
        """Every byte was asked for by version and ETag."""

    def sample(self) -> int:
        """Its first and last MiB, one after the other."""
        if self._sample < 0:
            self._sample = nameless_file(self._scratch)
            os.write(self._sample, self._get(0, _SAMPLE) + self._get(self.state.size - _SAMPLE, _SAMPLE))
        return self._sample

    def close(self) -> None:
        self._reader.close()
        if self._sample >= 0:
            os.close(self._sample)
            self._sample = -1

    def __enter__(self) -> StreamedObject:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

"""A disk that cannot be read at places, as a file store meets it: what lies before the place is read, and then comes EIO."""

from __future__ import annotations

import errno
import io
import os

from strongroom.stores.file import FileStore


class BadSectors(io.RawIOBase):
    """A file that cannot be read from byte `first` up to, not with, byte `last`."""

    def __init__(self, file: io.RawIOBase, first: int, last: int) -> None:
        self._file, self._first, self._last = file, first, last

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        at = self._file.tell()
        if self._first <= at < self._last:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        room = self._first - at if at < self._first else len(buffer)
        return self._file.readinto(memoryview(buffer)[:room])

    def close(self) -> None:
        self._file.close()


class BadDisk:
    """Which objects cannot be read from where to where, by their place; `reads` counts how often one of them was opened."""

    def __init__(self, monkeypatch) -> None:
        self._bad: dict[str, tuple[int, int]] = {}
        self.reads = 0
        real = FileStore.get

        def get(store, key, start=0, length=None, *, uncached=False):
            reader = real(store, key, start, length, uncached=uncached)
            bad = self._bad.get(f"{store.url}/{key}")
            if bad is not None:
                self.reads += 1
                reader._source = BadSectors(reader._source, *bad)
            return reader

        monkeypatch.setattr(FileStore, "get", get)

    def hurt(self, store, key, first: int = 0, last: int = 1 << 60) -> None:
        self._bad[f"{store.url}/{key}"] = first, last

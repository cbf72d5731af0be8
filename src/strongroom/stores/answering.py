"""A store that answers but for single objects: a bad sector, a file without permission, a key that a server fails on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from strongroom.core.errors import ColdInStoreError, StoreUnreachableError, UnreadableInStoreError
from strongroom.core.keys import StoreKey
from strongroom.stores.generations import answers
from strongroom.stores.interface import Reader, Stat
from strongroom.stores.wrapper import StoreWrapper


class AnsweringStore(StoreWrapper):
    """Passes everything on to `store`. What it cannot give while it answers otherwise raises UnreadableInStoreError, which whoever passes
    over damage passes over; where it does not answer at all, StoreUnreachableError comes through."""

    def get(self, key: StoreKey, start: int = 0, length: int | None = None, *, uncached: bool = False) -> Reader:
        with self._told_apart():
            return _Reader(self, self.store.get(key, start, length, uncached=uncached))

    def head(self, key: StoreKey) -> Stat:
        with self._told_apart():
            return self.store.head(key)

    @contextmanager
    def _told_apart(self) -> Iterator[None]:
        try:
            yield
        except StoreUnreachableError as error:
            if not isinstance(error, ColdInStoreError) and not answers(self.store):
                raise
            raise UnreadableInStoreError(str(error)) from error


class _Reader:
    def __init__(self, store: AnsweringStore, inner: Reader) -> None:
        self._store, self._inner = store, inner

    def read(self, size: int = -1, /) -> bytes:
        with self._store._told_apart():
            return self._inner.read(size)

    def readinto(self, buffer: bytearray | memoryview, /) -> int:
        with self._store._told_apart():
            return self._inner.readinto(buffer)

    def close(self) -> None:
        self._inner.close()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

"""A store of which some objects cannot be read, or in which nothing can be written, and which answers otherwise."""

from __future__ import annotations

from strongroom.core.errors import StoreRefusedError, StoreUnreachableError
from strongroom.core.keys import StoreKey
from strongroom.stores.interface import Reader, Store
from strongroom.stores.wrapper import StoreWrapper
from strongroom.usecases.audit import run as audits
from strongroom.usecases.sealed.places import open_address


class _Torn:
    """Gives some bytes, and then the sector that fails."""

    def __init__(self, inner: Reader, key: StoreKey) -> None:
        self._inner, self._key = inner, key

    def read(self, size: int = -1, /) -> bytes:
        data = self._inner.read(10 if size < 0 else min(size, 10))
        if not data:
            raise StoreUnreachableError(f"{self._key}: EIO, Input/output error")
        return data

    def readinto(self, buffer, /) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._inner.close()

    def __enter__(self) -> _Torn:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class BadSectors(StoreWrapper):
    """`unreadable`: keys that fail: "open" at once, as a file without permission, "read" while they are read, as a bad sector."""

    def __init__(self, store: Store, unreadable: dict[str, str]) -> None:
        super().__init__(store)
        self.unreadable = unreadable

    def get(self, key, start=0, length=None, *, uncached=False):
        self._refuse(key)
        if self._how(key) is not None:
            return _Torn(self.store.get(key, start, 10, uncached=uncached), key)
        return self.store.get(key, start, length, uncached=uncached)

    def head(self, key):
        self._refuse(key)
        return self.store.head(key)

    def _refuse(self, key):
        if self._how(key) == "open":
            raise StoreRefusedError(f"{key}: EACCES, Permission denied")

    def _how(self, key):
        """How a key fails: as it is named, or with the last part of the store's URL before it, where it does so in that store alone."""
        return self.unreadable.get(key.text) or self.unreadable.get(f"{self.url.rpartition('/')[2]}/{key}")


def opened_as(monkeypatch, unreadable: dict[str, str], *modules) -> None:
    """Whatever an audit (or one of `modules`) opens has these keys that cannot be read."""
    for module in modules or (audits,):
        monkeypatch.setattr(module, "open_address", lambda *args, **options: BadSectors(open_address(*args, **options), unreadable))

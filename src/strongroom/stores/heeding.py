"""A store as its writers must see it: what a sweep condemned is not there for them, and its keys are taken (docs/format.md, section 15)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, Protocol

from strongroom.core.digests import Digest
from strongroom.core.errors import CondemnedKeyError, NotFoundInStoreError
from strongroom.core.keys import StoreKey
from strongroom.stores.interface import Reader, Stat, Store
from strongroom.stores.wrapper import StoreWrapper


class Names(Protocol):
    """The keys that sweeps named."""

    def __contains__(self, key: StoreKey, /) -> bool: ...
    def is_deleted(self, key: StoreKey, /) -> bool: ...


class NoNames:
    """None."""

    def __contains__(self, key: StoreKey, /) -> bool:
        return False

    def is_deleted(self, key: StoreKey, /) -> bool:
        return False


class HeedingStore(StoreWrapper):
    """Passes on to `store` whatever is not about a key in `condemned`. Such a key is not found, and cannot be created: writers take the
    next generation. What is pickled to workers heeds what is condemned at that moment."""

    def __init__(self, store: Store, condemned: Names | None = None) -> None:
        super().__init__(store)
        self.condemned: Names = NoNames() if condemned is None else condemned

    # -- writing

    def put(self, key: StoreKey, data: bytes | bytearray | memoryview, *, sha256: Digest) -> None:
        self._refuse(key)
        super().put(key, data, sha256=sha256)

    def put_stream(self, key: StoreKey, source: IO[bytes], length: int, *, sha256: Digest) -> None:
        self._refuse(key)
        super().put_stream(key, source, length, sha256=sha256)

    def receive(self, source: IO[bytes], name: Callable[[], tuple[StoreKey, Digest]]) -> StoreKey:
        def checked() -> tuple[StoreKey, Digest]:
            key, digest = name()
            self._refuse(key)
            return key, digest

        return super().receive(source, checked)

    def _refuse(self, key: StoreKey) -> None:
        if key in self.condemned:
            raise CondemnedKeyError(f"{self.url}: {key} was condemned by a sweep and is never written again")

    # -- reading

    def get(self, key: StoreKey, start: int = 0, length: int | None = None, *, uncached: bool = False) -> Reader:
        self._hide(key)
        return super().get(key, start, length, uncached=uncached)

    def head(self, key: StoreKey) -> Stat:
        self._hide(key)
        return super().head(key)

    def _hide(self, key: StoreKey) -> None:
        if key in self.condemned:
            raise NotFoundInStoreError(f"{self.url}: {key} was condemned by a sweep and counts as absent")

    def list(self, prefix: str = "") -> Iterator[Stat]:
        return (stat for stat in super().list(prefix) if stat.key not in self.condemned)

"""A store around another: what every store that changes one thing about another begins from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO

from strongroom.core.digests import Digest
from strongroom.core.keys import StoreKey
from strongroom.core.retention import Lock
from strongroom.core.warmth import Tier, Warmth
from strongroom.stores.interface import Capabilities, Reader, Stat, Store


class StoreWrapper:
    """Passes every call on to `store`."""

    def __init__(self, store: Store) -> None:
        self.store = store

    @property
    def url(self) -> str:
        return self.store.url

    @property
    def capabilities(self) -> Capabilities:
        return self.store.capabilities

    def put(self, key: StoreKey, data: bytes | bytearray | memoryview, *, sha256: Digest) -> None:
        self.store.put(key, data, sha256=sha256)

    def put_stream(self, key: StoreKey, source: IO[bytes], length: int, *, sha256: Digest) -> None:
        self.store.put_stream(key, source, length, sha256=sha256)

    def receive(self, source: IO[bytes], name: Callable[[], tuple[StoreKey, Digest]]) -> StoreKey:
        return self.store.receive(source, name)

    def get(self, key: StoreKey, start: int = 0, length: int | None = None, *, uncached: bool = False) -> Reader:
        return self.store.get(key, start, length, uncached=uncached)

    def head(self, key: StoreKey) -> Stat:
        return self.store.head(key)

    def list(self, prefix: str = "") -> Iterator[Stat]:
        return self.store.list(prefix)

    def list_folders(self, prefix: str) -> Iterator[str]:
        return self.store.list_folders(prefix)

    def delete(self, key: StoreKey) -> None:
        self.store.delete(key)

    def erase(self, key: StoreKey) -> bool:
        return self.store.erase(key)

    def lock(self, key: StoreKey, *, every_version: bool = False) -> Lock | None:
        return self.store.lock(key, every_version=every_version)

    def retain(self, key: StoreKey, lock: Lock) -> None:
        self.store.retain(key, lock)

    def warmth(self, key: StoreKey) -> Warmth:
        return self.store.warmth(key)

    def thaw(self, key: StoreKey, warmth: Warmth, tier: Tier, days: int) -> None:
        self.store.thaw(key, warmth, tier, days)

    def tidy(self, older_than_seconds: float) -> int:
        return self.store.tidy(older_than_seconds)

    def free_bytes(self) -> int | None:
        return self.store.free_bytes()

    def check_key_space(self) -> tuple[str, ...]:
        return self.store.check_key_space()

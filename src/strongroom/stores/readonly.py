"""A store that may be read and not written, because a newer version marked it with something this one does not know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, NoReturn

from strongroom.core.digests import Digest
from strongroom.core.errors import UnknownFeatureError
from strongroom.core.keys import StoreKey
from strongroom.stores.interface import Capabilities, Reader, Stat, Store


@dataclass(frozen=True)
class ReadOnlyStore:
    """Every write raises UnknownFeatureError with `reason`."""

    store: Store
    reason: str

    @property
    def url(self) -> str:
        return self.store.url

    @property
    def capabilities(self) -> Capabilities:
        return self.store.capabilities

    def put(self, key: StoreKey, data: bytes | bytearray | memoryview, *, sha256: Digest) -> None:
        self._refuse()

    def put_stream(self, key: StoreKey, source: IO[bytes], length: int, *, sha256: Digest) -> None:
        self._refuse()

    def receive(self, source: IO[bytes], name: Callable[[], tuple[StoreKey, Digest]]) -> StoreKey:
        self._refuse()

    def delete(self, key: StoreKey) -> None:
        self._refuse()

    def erase(self, key: StoreKey) -> bool:
        self._refuse()

    def tidy(self, older_than_seconds: float) -> int:
        self._refuse()

    def get(self, key: StoreKey, start: int = 0, length: int | None = None, *, uncached: bool = False) -> Reader:
        return self.store.get(key, start, length, uncached=uncached)

    def head(self, key: StoreKey) -> Stat:
        return self.store.head(key)

    def list(self, prefix: str = "") -> Iterator[Stat]:
        return self.store.list(prefix)

    def list_folders(self, prefix: str) -> Iterator[str]:
        return self.store.list_folders(prefix)

    def free_bytes(self) -> int | None:
        return self.store.free_bytes()

    def check_key_space(self) -> tuple[str, ...]:
        return self.store.check_key_space()

    def _refuse(self) -> NoReturn:
        raise UnknownFeatureError(self.reason)

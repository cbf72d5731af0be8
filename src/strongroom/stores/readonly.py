"""A store that may be read and not written, because a newer version marked it with something this one does not know."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, NoReturn

from strongroom.core.digests import Digest
from strongroom.core.errors import UnknownFeatureError
from strongroom.core.keys import StoreKey
from strongroom.core.retention import Lock
from strongroom.stores.interface import Store
from strongroom.stores.wrapper import StoreWrapper


class ReadOnlyStore(StoreWrapper):
    """Every write raises UnknownFeatureError with `reason`."""

    def __init__(self, store: Store, reason: str) -> None:
        super().__init__(store)
        self.reason = reason

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

    def retain(self, key: StoreKey, lock: Lock) -> None:
        self._refuse()

    def tidy(self, older_than_seconds: float) -> int:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise UnknownFeatureError(self.reason)

"""Short spellings for the tests of stores."""

from __future__ import annotations

import hashlib
import io

from strongroom.core.digests import Digest
from strongroom.core.keys import StoreKey
from strongroom.stores.interface import Store


def pattern(length: int, seed: str = "") -> bytes:
    """`length` bytes that look random and are always the same."""
    block = hashlib.shake_256(seed.encode()).digest(min(length, 1 << 20))
    return (block * (length // max(len(block), 1) + 1))[:length]


def put(store: Store, key: str, data: bytes = b"x") -> StoreKey:
    store.put(StoreKey(key), data, sha256=Digest.of(data))
    return StoreKey(key)


def put_stream(store: Store, key: str, data: bytes) -> StoreKey:
    store.put_stream(StoreKey(key), io.BytesIO(data), len(data), sha256=Digest.of(data))
    return StoreKey(key)


def read(store: Store, key: StoreKey | str, start: int = 0, length: int | None = None) -> bytes:
    with store.get(StoreKey(key) if isinstance(key, str) else key, start, length) as reader:
        return reader.read()


def names(store: Store, prefix: str = "") -> list[str]:
    return [stat.key.text for stat in store.list(prefix)]


class Trickle(io.RawIOBase):
    """A source that gives few bytes at a time and cannot seek, as a pipe does."""

    def __init__(self, data: bytes, step: int = 1000) -> None:
        super().__init__()
        self._data = io.BytesIO(data)
        self._step = step

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._data.read(self._step if size < 0 else min(size, self._step))


class Failing(io.RawIOBase):
    """A source that breaks after `data`, as a dying disk does."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._data.read(size)
        if not data:
            raise OSError(5, "source broke")
        return data

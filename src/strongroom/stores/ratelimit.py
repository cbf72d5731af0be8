"""A store that is read and written no faster than it should be."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import cache
from typing import IO, cast

from strongroom.core.digests import Digest
from strongroom.core.keys import StoreKey
from strongroom.stores.interface import Reader, Store
from strongroom.stores.wrapper import StoreWrapper

_SLACK = 1.0  # seconds of idleness that may be made up for


class Bucket:
    """A bucket of tokens, one a byte, that begins empty and fills at `rate` bytes a second. Whoever moved bytes waits until they are paid.

    Safe to use from several threads, which share the rate.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep) -> None:
        self._rate, self._clock, self._sleep = rate, clock, sleep
        self._lock = threading.Lock()
        self._paid = clock()  # until then all bytes are paid for

    def pay(self, size: int) -> None:
        """Wait as long as `size` bytes are to take."""
        with self._lock:
            self._paid = max(self._paid, self._clock() - _SLACK) + size / self._rate
            wait = self._paid - self._clock()
        if wait > 0:
            self._sleep(wait)


@cache
def bucket_of(url: str, rate: float) -> Bucket:
    """One for all the copies of a store (or a source) in this process: a copy is made for each batch, and none of them may begin anew."""
    return Bucket(rate)


class RateLimitedStore(StoreWrapper):
    """Wraps a store: `rate` bytes a second, reading and writing together, in each process. Listings and heads are free."""

    def __init__(self, store: Store, rate: float, bucket: Bucket | None = None) -> None:
        super().__init__(store)
        self._rate = rate
        self._bucket = bucket or bucket_of(store.url, rate)

    def __reduce__(self) -> tuple[type[RateLimitedStore], tuple[Store, float]]:
        return RateLimitedStore, (self.store, self._rate)

    def put(self, key: StoreKey, data: bytes | bytearray | memoryview, *, sha256: Digest) -> None:
        self._bucket.pay(memoryview(data).nbytes)
        super().put(key, data, sha256=sha256)

    def put_stream(self, key: StoreKey, source: IO[bytes], length: int, *, sha256: Digest) -> None:
        super().put_stream(key, self._paced(source), length, sha256=sha256)

    def receive(self, source: IO[bytes], name: Callable[[], tuple[StoreKey, Digest]]) -> StoreKey:
        return super().receive(self._paced(source), name)

    def get(self, key: StoreKey, start: int = 0, length: int | None = None, *, uncached: bool = False) -> Reader:
        return _PacedReader(super().get(key, start, length, uncached=uncached), self._bucket)

    def _paced(self, source: IO[bytes]) -> IO[bytes]:
        return cast("IO[bytes]", _PacedSource(source, self._bucket))  # of a source, stores only read


class _PacedSource:
    def __init__(self, source: IO[bytes], bucket: Bucket) -> None:
        self._source, self._bucket = source, bucket

    def read(self, size: int = -1, /) -> bytes:
        data = self._source.read(size)
        self._bucket.pay(len(data))
        return data


class _PacedReader:
    def __init__(self, reader: Reader, bucket: Bucket) -> None:
        self._reader, self._bucket = reader, bucket

    def read(self, size: int = -1, /) -> bytes:
        data = self._reader.read(size)
        self._bucket.pay(len(data))
        return data

    def readinto(self, buffer: bytearray | memoryview, /) -> int:
        size = self._reader.readinto(buffer)
        self._bucket.pay(size)
        return size

    def close(self) -> None:
        self._reader.close()

    def __enter__(self) -> _PacedReader:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

"""A store whose calls are tried again when it could not be reached."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, TypeVar

from strongroom.core.digests import Digest
from strongroom.core.errors import StoreRefusedError, StoreUnreachableError
from strongroom.core.keys import StoreKey
from strongroom.core.retention import Lock
from strongroom.core.warmth import Tier, Warmth
from strongroom.stores.interface import Reader, Stat, Store
from strongroom.stores.wrapper import StoreWrapper

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Pauses double from `first` to `longest` seconds, each one shortened by chance by up to half, so that many clients do not
    come back at once. A call that failed gives up when its pauses would exceed `total` seconds, or when so long has passed since
    it failed first: against a server that stalls, the tries take longer than the pauses."""

    total: float = 60.0
    first: float = 0.5
    longest: float = 15.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def pauses(self) -> Iterator[float]:
        """The pauses to take, in order. The clock runs from when the first is asked for."""
        spent, pause, started = 0.0, self.first, self.clock()
        while spent < self.total and self.clock() - started < self.total:
            chosen = min(pause * random.uniform(0.5, 1.0), self.total - spent)  # noqa: S311
            yield chosen
            spent += chosen
            pause = min(pause * 2, self.longest)


class RetryingStore(StoreWrapper):
    """Wraps a store. StoreRefusedError is not tried again.

    A write whose reply was lost comes back as KeyExistsError when it is tried again, which the contract of `put` allows for.
    A stream is tried again only if its source can seek; `receive` never is, since its source hashes what passes.
    """

    def __init__(self, store: Store, policy: RetryPolicy = RetryPolicy()) -> None:
        super().__init__(store)
        self._policy = policy

    def put(self, key: StoreKey, data: bytes | bytearray | memoryview, *, sha256: Digest) -> None:
        self.retry(lambda: self.store.put(key, data, sha256=sha256))

    def put_stream(self, key: StoreKey, source: IO[bytes], length: int, *, sha256: Digest) -> None:
        if not source.seekable():
            self.store.put_stream(key, source, length, sha256=sha256)
            return
        start = source.tell()

        def put() -> None:
            source.seek(start)
            self.store.put_stream(key, source, length, sha256=sha256)

        self.retry(put)

    def get(self, key: StoreKey, start: int = 0, length: int | None = None, *, uncached: bool = False) -> Reader:
        def reopen(offset: int) -> Reader:
            left = None if length is None else length - offset
            return self.store.get(key, start + offset, left, uncached=uncached)

        return _ResumingReader(reopen, self)

    def head(self, key: StoreKey) -> Stat:
        return self.retry(lambda: self.store.head(key))

    def list(self, prefix: str = "") -> Iterator[Stat]:
        return self._resume(lambda: self.store.list(prefix), lambda stat: stat.key.text)

    def list_folders(self, prefix: str) -> Iterator[str]:
        return self._resume(lambda: self.store.list_folders(prefix), lambda name: name)

    def delete(self, key: StoreKey) -> None:
        self.retry(lambda: self.store.delete(key))

    def erase(self, key: StoreKey) -> bool:
        return self.retry(lambda: self.store.erase(key))

    def lock(self, key: StoreKey, *, every_version: bool = False) -> Lock | None:
        return self.retry(lambda: self.store.lock(key, every_version=every_version))

    def retain(self, key: StoreKey, lock: Lock) -> None:
        self.retry(lambda: self.store.retain(key, lock))

    def warmth(self, key: StoreKey) -> Warmth:
        return self.retry(lambda: self.store.warmth(key))

    def thaw(self, key: StoreKey, warmth: Warmth, tier: Tier, days: int) -> None:
        self.retry(lambda: self.store.thaw(key, warmth, tier, days))

    def tidy(self, older_than_seconds: float) -> int:
        return self.retry(lambda: self.store.tidy(older_than_seconds))

    def free_bytes(self) -> int | None:
        return self.retry(self.store.free_bytes)

    def check_key_space(self) -> tuple[str, ...]:
        return self.retry(self.store.check_key_space)

    def retry(self, call: Callable[[], T]) -> T:
        """What `call()` gives, once it gives something."""
        return patiently(self._policy, call)

    def _resume(self, start: Callable[[], Iterator[T]], name: Callable[[T], str]) -> Iterator[T]:
        """Everything `start()` gives, in order and once, though it may break off: names come in ascending order."""
        last = ""
        pauses = self._policy.pauses()
        while True:
            try:
                for item in start():
                    if name(item) > last:
                        yield item
                        last = name(item)
                        pauses = self._policy.pauses()
            except StoreUnreachableError as error:
                _wait(self._policy, pauses, error)
            else:
                return


def patiently(policy: RetryPolicy, call: Callable[[], T]) -> T:
    """What `call()` gives, once it gives something. Raises StoreUnreachableError when the policy says to give up."""
    pauses = policy.pauses()
    while True:
        try:
            return call()
        except StoreUnreachableError as error:
            _wait(policy, pauses, error)


def _wait(policy: RetryPolicy, pauses: Iterator[float], error: StoreUnreachableError) -> None:
    pause = None if isinstance(error, StoreRefusedError) else next(pauses, None)
    if pause is None:
        raise error
    policy.sleep(max(pause, min(getattr(error, "after", 0.0), policy.longest)))  # a server may say how long it wants to be left alone


class _ResumingReader:
    """Goes on where a broken stream stopped; sound because what lies at a key never changes."""

    def __init__(self, reopen: Callable[[int], Reader], store: RetryingStore) -> None:
        self._reopen = reopen
        self._store = store
        self._offset = 0
        self._reader: Reader | None = store.retry(lambda: reopen(0))

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(1 << 20), b""))
        data = self._store.retry(lambda: self._once(size))
        self._offset += len(data)
        return data

    def readinto(self, buffer: bytearray | memoryview, /) -> int:
        view = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(view) and (data := self.read(len(view) - filled)):
            view[filled : filled + len(data)] = data
            filled += len(data)
        return filled

    def _once(self, size: int) -> bytes:
        if self._reader is None:
            self._reader = self._reopen(self._offset)
        try:
            return self._reader.read(size)
        except StoreUnreachableError:
            self.close()
            raise

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def __enter__(self) -> _ResumingReader:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

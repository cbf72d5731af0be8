"""A store that is asked more slowly once its server says that it is asked too often (S3: SlowDown, 503, 429).

A server counts requests by prefix (AWS: 3,500 that write and 5,500 that read a second), and where it cuts prefixes is its own affair. So
nothing is counted here: what it refuses sets the pace, for each top folder apart, and what it answers quickens it again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import IO, Final

from strongroom.core.digests import Digest
from strongroom.core.errors import SlowDownError
from strongroom.core.keys import StoreKey
from strongroom.core.retention import Lock
from strongroom.core.warmth import Tier, Warmth
from strongroom.stores.interface import Reader, Stat
from strongroom.stores.wrapper import StoreWrapper

_FIRST: Final = 0.01  # seconds between two requests, after the first refusal
_LONGEST: Final = 2.0
_QUICKER: Final = 0.95  # of the gap is left after each answer
_NONE: Final = 0.001  # a gap below this is none
_ONCE: Final = 0.5  # seconds: requests that are refused together are one refusal


class Pace:
    """How long to wait between two requests of this process. Safe to use from several threads, which share it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep) -> None:
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self.gap = 0.0  # seconds
        self._next = 0.0
        self._slowed = float("-inf")

    def wait(self) -> None:
        """Until it is this request's turn; at once, while nothing was refused."""
        with self._lock:
            if not self.gap:
                return
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + self.gap
        if turn > now:
            self._sleep(turn - now)

    def refused(self) -> None:
        """The server says that it is asked too often."""
        with self._lock:
            now = self._clock()
            if now - self._slowed >= _ONCE:
                self._slowed, self.gap = now, min(max(2 * self.gap, _FIRST), _LONGEST)

    def answered(self) -> None:
        with self._lock:
            self.gap = self.gap * _QUICKER if self.gap * _QUICKER > _NONE else 0.0


@cache
def pace_of(url: str, folder: str) -> Pace:
    """One for all the copies of a store in this process."""
    return Pace()


class PacedStore(StoreWrapper):
    """Wraps a store of a server: each call that begins a request waits for its turn. Below the retries, so that those wait too."""

    @contextmanager
    def _paced(self, name: str) -> Iterator[None]:
        pace = pace_of(self.url, name.partition("/")[0])
        pace.wait()
        try:
            yield
        except SlowDownError:
            pace.refused()
            raise
        pace.answered()

    def _of(self, key: StoreKey) -> AbstractContextManager[None]:
        return self._paced(key.text)

    def put(self, key: StoreKey, data: bytes | bytearray | memoryview, *, sha256: Digest) -> None:
        with self._of(key):
            super().put(key, data, sha256=sha256)

    def put_stream(self, key: StoreKey, source: IO[bytes], length: int, *, sha256: Digest) -> None:
        with self._of(key):
            super().put_stream(key, source, length, sha256=sha256)

    def get(self, key: StoreKey, start: int = 0, length: int | None = None, *, uncached: bool = False) -> Reader:
        with self._of(key):
            return super().get(key, start, length, uncached=uncached)

    def head(self, key: StoreKey) -> Stat:
        with self._of(key):
            return super().head(key)

    def lock(self, key: StoreKey, *, every_version: bool = False) -> Lock | None:
        with self._of(key):
            return super().lock(key, every_version=every_version)

    def retain(self, key: StoreKey, lock: Lock) -> None:
        with self._of(key):
            super().retain(key, lock)

    def warmth(self, key: StoreKey) -> Warmth:
        with self._of(key):
            return super().warmth(key)

    def thaw(self, key: StoreKey, warmth: Warmth, tier: Tier, days: int) -> None:
        with self._of(key):
            super().thaw(key, warmth, tier, days)

    def delete(self, key: StoreKey) -> None:
        with self._of(key):
            super().delete(key)

    def erase(self, key: StoreKey) -> bool:
        with self._of(key):
            return super().erase(key)


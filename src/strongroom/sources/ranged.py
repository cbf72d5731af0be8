"""A long object as a stream: its next parts are fetched, several at once, while this one is read."""

from __future__ import annotations

import io
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

PART: Final = 8 << 20  # bytes of one request
AHEAD: Final = 4  # requests under way, so that memory is (AHEAD + 1) × PART


class RangedReader(io.RawIOBase):
    """`size` bytes, of which `get(start, length)` gives any. Can be read again from the beginning. Close it."""

    def __init__(self, get: Callable[[int, int], bytes], size: int, part: int = PART, ahead: int = AHEAD) -> None:
        self._get, self._size, self._part, self._ahead = get, size, part, ahead
        self._threads = ThreadPoolExecutor(ahead, thread_name_prefix="range")
        self._begin(0)

    def _begin(self, at: int) -> None:
        self._at = self._asked = at
        self._coming: deque[Future[bytes]] = deque()
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        if whence != os.SEEK_SET or not 0 <= offset <= self._size:
            raise io.UnsupportedOperation("only from the beginning, and within the object")
        if offset != self._at:
            self._forget()
            self._begin(offset)
        return offset

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, b"" at the end. Raises what `get` raises."""
        if size < 0:
            return self.readall()
        if not self._rest:
            self._rest = memoryview(self._next())
        data = self._rest[:size].tobytes()
        self._rest = self._rest[size:]
        self._at += len(data)
        return data

    def _next(self) -> bytes:
        while len(self._coming) < self._ahead and self._asked < self._size:
            length = min(self._part, self._size - self._asked)
            self._coming.append(self._threads.submit(self._get, self._asked, length))
            self._asked += length
        return self._coming.popleft().result() if self._coming else b""

    def _forget(self) -> None:
        for one in self._coming:
            one.cancel()
        self._coming.clear()

    def close(self) -> None:
        self._forget()
        self._threads.shutdown(wait=False, cancel_futures=True)
        super().close()

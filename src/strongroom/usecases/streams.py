"""Several hashes over one long stream, and the digests of its pieces."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Protocol, Self

from strongroom.core.digests import new_hash

#: Bytes of a piece (docs/format.md, 3.5).
PIECE: Final = 64 << 20
#: Bytes after which hashes get threads. Shorter streams are many, and keep every core busy as they are.
LONG: Final = 32 << 20


class Updated(Protocol):
    def update(self, data: bytes | memoryview, /) -> None: ...


class SideBySide:
    """Gives each chunk to every hash. In a long stream each hash has a thread of its own (hashlib lets go of the interpreter), and works
    while the caller writes that chunk and reads the next: a chunk must stay as it is until the next call returns."""

    def __init__(self, hashes: Iterable[Updated]) -> None:
        self._hashes = tuple(hashes)
        self._threads: ThreadPoolExecutor | None = None
        self._waiting: list[Future[None]] = []
        self._size = 0

    def update(self, chunk: bytes | memoryview) -> None:
        self.settle()
        self._size += len(chunk)
        if self._size <= LONG:
            for one in self._hashes:
                one.update(chunk)
            return
        if self._threads is None:
            self._threads = ThreadPoolExecutor(len(self._hashes), thread_name_prefix="hash")
        self._waiting = [self._threads.submit(one.update, chunk) for one in self._hashes]

    def settle(self) -> None:
        """Wait until every hash has seen every chunk: before anything is asked of one."""
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        try:
            self.settle()
        finally:
            if self._threads is not None:
                self._threads.shutdown()


class Pieces:
    """The SHA-256 of consecutive pieces of a stream, in hexadecimal; the last may be shorter (docs/format.md, 3.5)."""

    def __init__(self, size: int = PIECE) -> None:
        self._size = self._left = size
        self._done: list[str] = []
        self._running = new_hash("sha256")

    def update(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        while view:
            part, view = view[: self._left], view[self._left :]
            self._running.update(part)
            self._left -= len(part)
            if self._left == 0:
                self._done.append(self._running.hexdigest())
                self._running, self._left = new_hash("sha256"), self._size

    def digests(self) -> list[str]:
        return [*self._done, self._running.hexdigest()] if self._left < self._size else list(self._done)

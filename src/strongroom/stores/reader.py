"""A reader that knows how many bytes were announced, and says so when fewer come."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from io import RawIOBase
from typing import Protocol

from strongroom.core.errors import StoreUnreachableError

_CHUNK = 1 << 20


class RawSource(Protocol):
    """What a store opened: at most `size` bytes a call, b"" at the end."""

    def read(self, size: int = -1, /) -> bytes | None: ...
    def close(self) -> None: ...


class BoundedReader:
    """`length` bytes of `source`. `translated` turns the source's own exceptions into ours."""

    def __init__(
        self, source: RawSource, length: int, place: str, translated: Callable[[], AbstractContextManager[object]] = nullcontext
    ) -> None:
        self._source = source
        self._left = length
        self._place = place
        self._translated = translated

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(_CHUNK), b""))
        if size == 0 or self._left == 0:
            return b""
        with self._translated():
            data = self._source.read(min(size, self._left))
        if not data:
            raise self._short()
        self._left -= len(data)
        return data

    def readinto(self, buffer: bytearray | memoryview, /) -> int:
        view = memoryview(buffer).cast("B")
        if isinstance(self._source, RawIOBase):  # a file: straight into the buffer
            return self._readinto(self._source, view[: self._left])
        filled = 0
        while filled < len(view):
            data = self.read(len(view) - filled)
            if not data:
                break
            view[filled : filled + len(data)] = data
            filled += len(data)
        return filled

    def _readinto(self, source: RawIOBase, view: memoryview) -> int:
        with self._translated():
            count = source.readinto(view) or 0
        if view and not count:
            raise self._short()
        self._left -= count
        return count

    def _short(self) -> StoreUnreachableError:
        return StoreUnreachableError(f"{self._place}: the stream ended {self._left} bytes short of its announced length; try again")

    def close(self) -> None:
        self._source.close()

    def __enter__(self) -> BoundedReader:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

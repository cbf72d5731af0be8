"""The bytes of an archive: counted, fingerprinted, and unpacked in bounded pieces."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from strongroom.unpacking.limits import Limits, UnpackError

CHUNK: Final = 1 << 18


class Source(Protocol):
    """A stream of bytes."""

    def read(self, size: int) -> bytes:
        """At most `size` bytes, fewer only at the end."""


class HashedFile:
    """A file read once from its front to its end, with its SHA-256."""

    def __init__(self, descriptor: int, advance: Callable[[int], None]) -> None:
        self._descriptor = descriptor
        self._advance = advance
        self._hash = hashlib.sha256()
        self.consumed = 0

    def read(self, size: int) -> bytes:
        parts: list[bytes] = []
        while size > 0 and (part := os.read(self._descriptor, min(size, CHUNK))):
            parts.append(part)
            size -= len(part)
            self._hash.update(part)
            self.consumed += len(part)
            self._advance(len(part))
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def finish(self) -> str:
        """Read to the end; the SHA-256 of the whole file in hexadecimal."""
        while self.read(CHUNK):
            pass
        return self._hash.hexdigest()


class Ratio:
    """Refuses a stream that unpacks to far more than it is."""

    def __init__(self, limits: Limits, member: str) -> None:
        self._limits = limits
        self._member = member

    def check(self, packed: int, unpacked: int) -> None:
        if unpacked > self._limits.ratio_from and unpacked > self._limits.ratio * max(packed, 1):
            raise UnpackError(self._member, f"unpacks to more than {self._limits.ratio} times its size, as bombs do (--max-ratio)")


class Gunzipped:
    """What a gzip stream (one member or several, RFC 1952) holds. Raises UnpackError where it is damaged, cut short or a bomb."""

    def __init__(self, source: HashedFile, limits: Limits) -> None:
        self._source = source
        self._ratio = Ratio(limits, "")
        self._inflate = zlib.decompressobj(31)
        self._waiting = b""
        self._ready = b""
        self._ended = False
        self._fresh = True  # at the beginning of a gzip member
        self._more_inside = False  # more may come out before anything goes in
        self._unpacked = 0

    def read(self, size: int) -> bytes:
        parts: list[bytes] = []
        while size > 0:
            if not self._ready:
                self._ready = self._more()
                if not self._ready:
                    break
            part, self._ready = self._ready[:size], self._ready[size:]
            parts.append(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _more(self) -> bytes:
        while not self._ended:
            data = self._waiting or (b"" if self._more_inside else self._source.read(CHUNK))
            if not data and not self._more_inside:
                if not self._fresh:
                    raise UnpackError("", "the gzip stream is cut short")
                self._ended = True
                break
            try:
                out = self._inflate.decompress(data, CHUNK)
            except zlib.error as error:
                raise UnpackError("", f"the gzip stream is damaged ({error})") from None
            self._fresh = False
            self._waiting = self._inflate.unconsumed_tail
            self._more_inside = len(out) == CHUNK and not self._inflate.eof
            if self._inflate.eof:
                self._waiting = self._inflate.unused_data
                self._inflate = zlib.decompressobj(31)
                self._fresh = True
            self._unpacked += len(out)
            self._ratio.check(self._source.consumed, self._unpacked)
            if out:
                return out
        return b""


def inflated(chunks: Iterator[bytes], size: int, member: str, limits: Limits) -> Iterator[bytes]:
    """What raw deflate data (RFC 1951) hold, which must be `size` bytes and end where the data end."""
    inflate = zlib.decompressobj(-15)
    ratio = Ratio(limits, member)
    packed = unpacked = 0
    for chunk in chunks:
        packed += len(chunk)
        data, again = chunk, True
        while data or again:
            if inflate.eof:
                raise UnpackError(member, "has bytes after the end of its compressed data")
            try:
                out = inflate.decompress(data, CHUNK)
            except zlib.error as error:
                raise UnpackError(member, f"its compressed data are damaged ({error})") from None
            data = inflate.unconsumed_tail or inflate.unused_data
            again = len(out) == CHUNK and not inflate.eof  # more may come out before anything goes in
            unpacked += len(out)
            ratio.check(packed, unpacked)
            if unpacked > size:
                raise UnpackError(member, f"announces {size:,} bytes and unpacks to more")
            if out:
                yield out
    if not inflate.eof:
        raise UnpackError(member, "its compressed data are cut short")

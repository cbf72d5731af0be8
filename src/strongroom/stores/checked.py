"""Reading the source of a write: its bytes counted and hashed as they pass."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import IO

from strongroom.core.digests import Digest
from strongroom.core.errors import ChecksumRefusedError
from strongroom.core.keys import StoreKey

CHUNK = 1 << 20


def check_bytes(key: StoreKey, data: bytes | bytearray | memoryview, sha256: Digest) -> None:
    """Raises ChecksumRefusedError if `data` do not have the digest."""
    if Digest.of(data) != sha256:
        raise _refused(key, f"the bytes have SHA-256 {Digest.of(data)}, announced was {sha256}")


def checked_chunks(key: StoreKey, source: IO[bytes], length: int, sha256: Digest, size: int = CHUNK) -> Iterator[bytes]:
    """The bytes of `source` in pieces of `size` (the last one shorter).

    Raises ChecksumRefusedError after the last piece if they are not `length` bytes with the digest, and as soon as they are too many.
    """
    running = hashlib.sha256()
    total = 0
    while piece := _read_full(source, size):
        total += len(piece)
        if total > length:
            raise _refused(key, f"the source gives more than the {length} bytes announced")
        running.update(piece)
        yield piece
    if total != length:
        raise _refused(key, f"the source ended after {total} bytes, announced were {length}")
    if running.hexdigest() != sha256.hex:
        raise _refused(key, f"the bytes have SHA-256 {running.hexdigest()}, announced was {sha256}")


def _refused(key: StoreKey, reason: str) -> ChecksumRefusedError:
    return ChecksumRefusedError(f"{key}: {reason}; nothing was stored. Did the file change while it was read?")


def _read_full(source: IO[bytes], size: int) -> bytes:
    """`size` bytes, fewer only at the end: pipes and sockets give what they have."""
    piece = source.read(size)
    if not piece or len(piece) == size:
        return piece or b""
    parts = [piece]
    have = len(piece)
    while have < size and (piece := source.read(size - have)):
        parts.append(piece)
        have += len(piece)
    return b"".join(parts)

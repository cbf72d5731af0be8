"""Digests of the pieces of large contents that were read whole here and found right, so that any part of them can be verified by itself.

A content's name is the digest of all of it: only who has read it all can say of a piece that it belongs to it. The `.pieces` beside a
content in a store are no proof, since whoever could alter the one could alter the other. A file of its own, and a cache: without it they
are read whole once more. It lies below STRONGROOM_HOME, and is trusted as the keys there are.
"""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from strongroom.core.digests import Digest
from strongroom.core.keys import StoreKey
from strongroom.stores.interface import Reader, Store
from strongroom.usecases.sealed.objects import CHUNK

#: Bytes of a piece: what is read at least for the first byte of a range.
PIECE: Final = CHUNK
_WIDTH: Final = 32


@dataclass(frozen=True, slots=True)
class Pieces:
    """The BLAKE2b-256 of consecutive pieces of PIECE bytes; the last may be shorter."""

    size: int  # of the content, in bytes
    digests: bytes

    def holds(self, number: int, data: bytes | bytearray | memoryview) -> bool:
        """Whether these bytes are that piece."""
        return _digest(data) == self.digests[number * _WIDTH : (number + 1) * _WIDTH]


class PieceBook:
    """What is known of pieces. Safe to use from several threads and processes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, content: Digest) -> Pieces | None:
        try:
            with closing(self._open()) as db:
                row = db.execute("SELECT size, digests FROM pieces WHERE sha256 = ?", (content.raw,)).fetchone()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:  # no database any more
            self._path.unlink(missing_ok=True)
            return None
        return None if row is None else Pieces(*row)

    def add(self, content: Digest, pieces: Pieces) -> None:
        with closing(self._open()) as db:
            db.execute("INSERT OR REPLACE INTO pieces VALUES (?, ?, ?)", (content.raw, pieces.size, pieces.digests))

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        db = sqlite3.connect(self._path, timeout=60, isolation_level=None)
        try:
            db.execute("CREATE TABLE IF NOT EXISTS pieces (sha256 BLOB PRIMARY KEY, size INTEGER NOT NULL, digests BLOB NOT NULL)")
        except BaseException:
            db.close()
            raise
        return db


def read_whole(store: Store, key: StoreKey, content: Digest) -> Pieces | None:
    """Read an object from beginning to end: the digests of its pieces if it is that content, else None. Raises NotFoundInStoreError."""
    whole, digests, size = hashlib.sha256(), bytearray(), 0
    with store.get(key) as reader:
        while piece := read_piece(reader):
            whole.update(piece)
            digests += _digest(piece)
            size += len(piece)
    return Pieces(size, bytes(digests)) if whole.hexdigest() == content.hex else None


def read_piece(reader: Reader) -> bytes:
    """The next PIECE bytes, fewer only at the end."""
    parts = bytearray()
    while len(parts) < PIECE and (chunk := reader.read(PIECE - len(parts))):
        parts += chunk
    return bytes(parts)


def _digest(data: bytes | bytearray | memoryview) -> bytes:
    return hashlib.blake2b(data, digest_size=_WIDTH).digest()

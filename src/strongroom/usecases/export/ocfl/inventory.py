"""The inventory of an OCFL object (OCFL 1.1, 3.5), kept in SQLite and written in a stream, so that memory stays flat."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from strongroom.core.canonical import dumps_line

_TABLES: Final = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
CREATE TABLE content (id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE, sha512 TEXT NOT NULL, path TEXT NOT NULL,
  version INTEGER NOT NULL);
CREATE INDEX content_sha512 ON content (sha512);
CREATE TABLE state (version INTEGER, path TEXT, content INTEGER NOT NULL, PRIMARY KEY (version, path)) WITHOUT ROWID;
CREATE TABLE version (number INTEGER PRIMARY KEY, about TEXT NOT NULL);
"""
_BYTES: Final = "https://ocfl.io/1.1/spec/#inventory"


class Inventory:
    """What an object holds: contents by both digests, and which logical path has which content in which version."""

    def __init__(self, file: Path, identifier: str) -> None:
        self._db = sqlite3.connect(file, isolation_level=None)
        self._db.executescript(_TABLES)
        self._id = identifier

    def close(self) -> None:
        self._db.close()

    def begin(self) -> None:
        self._db.execute("BEGIN")

    def commit(self) -> None:
        self._db.execute("COMMIT")

    def has(self, sha256: bytes) -> bool:
        return self._db.execute("SELECT 1 FROM content WHERE sha256 = ?", (sha256,)).fetchone() is not None

    def add_content(self, sha256: bytes, sha512: str, path: str, version: int) -> None:
        """A content that was written to `path`, relative to the object."""
        self._db.execute("INSERT INTO content (sha256, sha512, path, version) VALUES (?, ?, ?, ?)", (sha256, sha512, path, version))

    def add_state(self, version: int, path: str, sha256: bytes) -> None:
        """The file `path` of a version has a content, which was added before."""
        self._db.execute(
            "INSERT INTO state SELECT ?, ?, id FROM content WHERE sha256 = ?", (version, path, sha256))

    def add_version(self, number: int, about: dict[str, Any]) -> None:
        """`about`: created, message and user, as the inventory has them."""
        self._db.execute("INSERT INTO version VALUES (?, ?)", (number, dumps_line(about)))

    def write(self, file: Path, head: int) -> None:
        """The inventory up to version `head`, with its sidecar beside it."""
        hashing = hashlib.sha512()
        with file.open("wb") as out:
            for text in self._pieces(head):
                data = text.encode()
                hashing.update(data)
                out.write(data)
        file.with_name(f"{file.name}.sha512").write_text(f"{hashing.hexdigest()} {file.name}\n")

    def _pieces(self, head: int) -> Iterator[str]:
        yield f'{{"id":{dumps_line(self._id)},"type":"{_BYTES}","digestAlgorithm":"sha512","head":"v{head}",\n"manifest":{{\n'
        yield from self._map("SELECT sha512, path FROM content WHERE version <= ? ORDER BY sha512", head)
        yield '},\n"versions":{'
        versions = self._db.execute("SELECT number, about FROM version WHERE number <= ? ORDER BY number", (head,)).fetchall()
        for number, about in versions:
            yield f'{"," if number > 1 else ""}\n"v{number}":{about[:-1]},"state":{{\n'
            state = "SELECT c.sha512, s.path FROM state s JOIN content c ON c.id = s.content WHERE s.version = ? ORDER BY c.sha512, s.path"
            yield from self._map(state, number)
            yield "}}"
        yield '},\n"fixity":{"sha256":{\n'
        yield from self._map("SELECT lower(hex(sha256)), path FROM content WHERE version <= ? ORDER BY sha256", head)
        yield "}}}\n"

    def _map(self, query: str, parameter: int) -> Iterator[str]:
        separator = ""
        with closing(self._db.cursor()) as cursor:
            for digest, rows in groupby(cursor.execute(query, (parameter,)), key=lambda row: row[0]):
                paths = ",".join(dumps_line(path) for _, path in rows)
                yield f'{separator}"{digest}":[{paths}]'
                separator = ",\n"

"""From a sealed bag to its rows in the room's index."""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from strongroom.core.canonical import dumps_line
from strongroom.core.errors import InvalidValueError
from strongroom.core.paths import ESCAPED_FOLDER, from_payload_text, to_payload_text
from strongroom.database import attached, transaction
from strongroom.usecases.room.words import index_words
from strongroom.usecases.sealed.bag import SealedBag

#: Longer or deeper paths than any file system has are refused, with whatever wanted to have them.
_LONGEST: Final = 1 << 14
_DEEPEST: Final = 256
_EVENTS: Final = 200  # that are shown with a bag
_ESCAPED: Final = f"data/{ESCAPED_FOLDER}/"
_ABOUT: Final = ("title", "description", "agents", "rights", "languages", "identifiers", "arrangement", "accession", "retention", "access")
_SCRATCH: Final = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
CREATE TABLE name (path TEXT PRIMARY KEY, bytes BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE record (path BLOB PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE item (path BLOB PRIMARY KEY, sha BLOB, size INTEGER, mtime INTEGER, type TEXT, record INTEGER, target BLOB) WITHOUT ROWID;
CREATE TABLE pending (depth INTEGER, name BLOB, child INTEGER, sha BLOB, size INTEGER, mtime INTEGER, type TEXT, record INTEGER,
  target BLOB, PRIMARY KEY (depth, name)) WITHOUT ROWID;
"""


def index_bag(db: sqlite3.Connection, bag: SealedBag, scratch: Path) -> None:
    """Add a bag to the index, all of it or nothing. `scratch` is an empty folder.

    Raises DamagedBagError if its payload is not known, StoreUnreachableError if no store that holds it answers.
    """
    path = scratch / "bag.sqlite"
    work = sqlite3.connect(path, isolation_level=None)
    try:
        work.executescript(_SCRATCH)
        work.execute("BEGIN")
        reader = _Reader(bag, work)
        reader.read()
        work.execute("COMMIT")
    finally:
        work.close()
    about = _about(bag)
    with attached(db, path, "work"), transaction(db):
        _write(db, bag, reader, about)


class _Reader:
    """Sorts what the tag files say by path, in a file: escaped names and folders stand elsewhere in the bag than in the tree."""

    def __init__(self, bag: SealedBag, work: sqlite3.Connection) -> None:
        self._bag, self._work = bag, work
        self.links = self.refused = 0

    def read(self) -> None:
        work = self._work
        for path, name in self._names():
            work.execute("INSERT OR IGNORE INTO name VALUES (?, ?)", (path, name))
        for record in self._bag.lines("metadata/records/records.jsonl"):
            path = record.pop("filename", None)
            target = self._target(path) if isinstance(path, str) else None
            if target is not None:
                with suppress(ValueError, RecursionError):  # what cannot be written again: a bag of others may hold it
                    work.execute("INSERT OR IGNORE INTO record VALUES (?, ?)", (target, _text(dumps_line(record))))
        work.executemany("INSERT OR IGNORE INTO item VALUES (?, ?, ?, ?, ?, NULL, NULL)", self._files())
        work.executemany("INSERT OR IGNORE INTO item VALUES (?, NULL, NULL, ?, NULL, NULL, ?)", self._structure())

    def _names(self) -> Iterator[tuple[str, bytes]]:
        for line in self._bag.lines("metadata/names.jsonl"):
            path = line.get("path")
            try:
                name = base64.b64decode(line.get("bytes", ""), validate=True)
            except (ValueError, TypeError):
                continue
            if isinstance(path, str) and to_payload_text(name) == (path, True):  # no line gives one file another's name
                yield path, name

    def _files(self) -> Iterator[tuple[bytes, bytes, int | None, int | None, str | None]]:
        for entry, detail in self._bag.described():
            target = self._target(entry.path)
            self.refused += target is None
            if target is not None:
                kind = detail.get("type")
                yield target, entry.digest.raw, _number(detail, "size"), _number(detail, "mtime"), kind if isinstance(kind, str) else None

    def _structure(self) -> Iterator[tuple[bytes, int | None, bytes | None]]:
        for line in self._bag.lines("metadata/structure.jsonl"):
            path, kind = line.get("path"), line.get("kind")
            if not isinstance(path, str) or kind not in ("directory", "symlink") or path.rstrip("/") == "data":
                continue
            target = self._target(path.rstrip("/"))
            if target is None:
                continue
            if kind == "directory":
                yield target + b"/", _number(line, "mtime"), None  # so that it sorts just before what is in it
                continue
            try:
                points = base64.b64decode(line.get("target", ""), validate=True)
            except (ValueError, TypeError):
                continue
            self.links += 1
            yield target, _number(line, "mtime"), points

    def _target(self, path: str) -> bytes | None:
        """The path below the source; None where it can be none."""
        names: dict[str, bytes] = {}
        if path.startswith(_ESCAPED):
            row = self._work.execute("SELECT bytes FROM name WHERE path = ?", (path,)).fetchone()
            names = {} if row is None else {path: row[0]}
        try:
            target = from_payload_text(path, names)
        except InvalidValueError:
            return None
        return None if len(target) > _LONGEST or target.count(b"/") > _DEEPEST else target


def _write(db: sqlite3.Connection, bag: SealedBag, reader: _Reader, about: dict[str, Any]) -> None:
    if db.execute("SELECT 1 FROM bag WHERE seal = ?", (bag.digest.raw,)).fetchone():
        return  # another room was faster
    _records(db)
    root = _Tree(db).build()
    number = db.execute(
        "INSERT INTO bag (seal, name, version, sealed, root, links, refused, about) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (bag.digest.raw, bag.id.name, bag.id.version, bag.seal.sealed, root, reader.links, reader.refused, json.dumps(about)),
    ).fetchone()[0]
    db.execute("INSERT OR IGNORE INTO held SELECT DISTINCT sha, ?, size FROM work.item WHERE sha IS NOT NULL", (bag.id.name,))
    index_words(db, bag.id, number, about)


def _records(db: sqlite3.Connection) -> None:
    """Records are shared by versions, and known by what they say."""
    db.create_function("sha256", 1, lambda text: hashlib.sha256(text.encode()).digest(), deterministic=True)
    db.execute("INSERT OR IGNORE INTO main.record (digest, json) SELECT sha256(json), json FROM work.record")
    db.execute(
        "UPDATE work.item SET record = (SELECT m.id FROM work.record r JOIN main.record m ON m.digest = sha256(r.json) "
        "WHERE r.path = work.item.path) WHERE sha IS NOT NULL AND path IN (SELECT path FROM work.record)")


@dataclass(slots=True)
class _Open:
    """A folder of which not everything was met yet."""

    name: bytes
    digest: Any = field(default_factory=hashlib.sha256)
    files: int = 0
    bytes: int = 0


class _Tree:
    """Items in order of path become folders, the deepest first. What is in an open folder waits on disk."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._stack = [_Open(b"")]

    def build(self) -> int:
        """The number of the top folder."""
        with closing(self._db.cursor()) as cursor:
            for path, *row in cursor.execute("SELECT path, sha, size, mtime, type, record, target FROM work.item ORDER BY path"):
                *folders, name = path.split(b"/")
                self._enter(folders)
                if name:  # the line of a folder itself has none
                    self._add(name, None, *row)
                    self._stack[-1].files += row[0] is not None
                    self._stack[-1].bytes += row[1] or 0
        while len(self._stack) > 1:
            self._close()
        return self._finish(self._stack.pop(), 0)

    def _enter(self, folders: list[bytes]) -> None:
        """Close what is left behind, open what is entered."""
        same = 0
        while same < len(folders) and same + 1 < len(self._stack) and self._stack[same + 1].name == folders[same]:
            same += 1
        while len(self._stack) > same + 1:
            self._close()
        self._stack += map(_Open, folders[same:])

    def _add(self, name: bytes, child: int | None, *row: Any) -> None:
        values = (len(self._stack), name, child, *row)
        sql = "INSERT OR IGNORE INTO work.pending VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        if self._db.execute(sql, values).rowcount:
            self._stack[-1].digest.update(repr(values[1:]).encode())

    def _close(self) -> None:
        folder = self._stack.pop()
        number = self._finish(folder, len(self._stack))
        self._add(folder.name, number, None, None, None, None, None, None)
        self._stack[-1].files += folder.files
        self._stack[-1].bytes += folder.bytes

    def _finish(self, folder: _Open, depth: int) -> int:
        """The number of the folder that holds just this, made if there is none."""
        digest = folder.digest.digest()
        row = self._db.execute("SELECT id FROM folder WHERE digest = ?", (digest,)).fetchone()
        if row is None:
            sql = "INSERT INTO folder (digest, files, bytes) VALUES (?, ?, ?) RETURNING id"
            row = self._db.execute(sql, (digest, folder.files, folder.bytes)).fetchone()
            self._db.execute(
                "INSERT INTO entry SELECT ?, name, child, sha, size, mtime, type, record, target FROM work.pending WHERE depth = ?",
                (row[0], depth + 1))
        self._db.execute("DELETE FROM work.pending WHERE depth = ?", (depth + 1,))
        return int(row[0])


def _about(bag: SealedBag) -> dict[str, Any]:
    document = bag.document("metadata/collection.json")
    about = {name: document[name] for name in _ABOUT if document.get(name)} if isinstance(document, dict) else {}
    events: list[dict[str, Any]] = []
    for line in bag.lines("metadata/events.jsonl"):
        if len(events) < _EVENTS:
            events.append(line)
    return {**about, "events": events, "software": bag.seal.software, "files": bag.seal.payload_files, "bytes": bag.seal.payload_bytes}


def _number(line: dict[str, Any], member: str) -> int | None:
    value = line.get(member)
    return value if type(value) is int and -(1 << 63) <= value < 1 << 63 else None


def _text(text: str) -> str:
    """SQLite takes no lone surrogates."""
    return text.encode("utf-8", "backslashreplace").decode()

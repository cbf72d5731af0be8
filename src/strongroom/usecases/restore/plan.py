"""The plan of a restore: which files have which contents, and where those may lie. An SQLite file, so that memory stays flat.

The main process writes it; workers read it. It is made anew for each run: what an earlier run wrote is found on the disk.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from strongroom.database import Database

#: States of a file.
WANTED: Final = 0
PRESENT: Final = 1  # stands in the destination already, and is sound
SKIPPED: Final = 2  # cannot be written here
DIFFERS: Final = 3  # something else stands in its place
WITHHELD: Final = 5  # taken down on purpose
STAGED: Final = 4  # an interrupted run wrote it, and it is sound
#: What was met where a content should be (`trouble`); the highest counts.
UNSOUND: Final = 1  # other bytes, or none
UNREAD: Final = 2  # it could not be read

_TABLES: Final = """
CREATE TABLE content (id INTEGER PRIMARY KEY, sha BLOB NOT NULL UNIQUE, size INTEGER, done INTEGER NOT NULL DEFAULT 0,
  withheld INTEGER NOT NULL DEFAULT 0, trouble INTEGER NOT NULL DEFAULT 0);
CREATE TABLE file (id INTEGER PRIMARY KEY, content INTEGER NOT NULL, path TEXT NOT NULL, target BLOB NOT NULL UNIQUE, mode INTEGER,
  mtime INTEGER, state INTEGER NOT NULL DEFAULT 0);
CREATE INDEX file_content ON file (content);
CREATE TABLE folder (target BLOB PRIMARY KEY, path TEXT NOT NULL, mode INTEGER, mtime INTEGER, made INTEGER NOT NULL DEFAULT 0)
  WITHOUT ROWID;
CREATE TABLE link (target BLOB PRIMARY KEY, path TEXT NOT NULL, points BLOB NOT NULL, mtime INTEGER) WITHOUT ROWID;
CREATE TABLE place (content INTEGER, store INTEGER, key TEXT, offset INTEGER, length INTEGER, frame INTEGER NOT NULL DEFAULT 0,
  stored INTEGER NOT NULL DEFAULT 0, tried INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (content, store, key, frame, offset, length)) WITHOUT ROWID;
CREATE TABLE name (path TEXT PRIMARY KEY, bytes BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE job (content INTEGER PRIMARY KEY, key TEXT NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL,
  frame INTEGER NOT NULL, stored INTEGER NOT NULL);
CREATE INDEX job_key ON job (key, frame, offset);
CREATE TABLE cold (store INTEGER, key TEXT, content INTEGER, PRIMARY KEY (content, store, key)) WITHOUT ROWID;  -- must be thawed first
CREATE TABLE thaw (store INTEGER, key TEXT, class TEXT, state TEXT, size INTEGER, PRIMARY KEY (store, key)) WITHOUT ROWID;
"""

#: The length of a place that is a whole object.
WHOLE: Final = -1


class Need(NamedTuple):
    """A content to be read: `length` bytes from `offset` of an object, or all of it (WHOLE).

    In a compressed pack: of what the `stored` bytes from byte `frame` of it expand to.
    """

    content: int
    sha: bytes
    offset: int
    length: int
    frame: int = 0
    stored: int = 0

    @property
    def start(self) -> int:
        """The first byte of the object that must be read."""
        return self.frame if self.stored else self.offset

    @property
    def end(self) -> int:
        """The byte after the last one; of a part only."""
        return self.frame + self.stored if self.stored else self.offset + self.length


class FileRow(NamedTuple):
    id: int
    path: str  # payload path
    target: bytes  # below the root of what is restored
    mode: int | None
    mtime: int | None  # nanoseconds since 1970 UTC


class Place(NamedTuple):
    """Where a content may lie, found out for `sha`; the numbers are those of a Need."""

    sha: bytes
    key: str
    offset: int
    length: int
    frame: int = 0
    stored: int = 0


class Plan(Database):
    """The plan as both sides see it. Rows come in the order in which files are best written."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        super().__init__(path, _TABLES if create else "")
        self._store = 0  # whose job it is

    def one(self, query: str, *values: object) -> int:
        """The first column of the first row as a number; 0 for NULL and for no row."""
        row = self.db.execute(query, values).fetchone()
        return int(row[0] or 0) if row else 0

    # -- what workers ask

    def needs(self, key: str) -> Iterator[Need]:
        """What is to be read from one object, in order of offset. All at once: while a statement is open, nobody else may write where
        machines share the folder."""
        query = ("SELECT content, sha, offset, length, frame, stored FROM job JOIN content ON content.id = job.content WHERE key = ? "
                 "ORDER BY frame, offset")
        return map(Need._make, self.db.execute(query, (key,)).fetchall())

    def files(self, contents: Iterable[int]) -> dict[int, list[FileRow]]:
        """The files to be written with each of these contents, in one statement: asking for each costs as much as writing it."""
        query = ("SELECT f.content, f.id, f.path, f.target, f.mode, f.mtime FROM json_each(?) j JOIN file f ON f.content = j.value "
                 "WHERE f.state = 0")
        found: dict[int, list[FileRow]] = {}
        for content, *row in self.db.execute(query, (json.dumps(list(contents)),)):
            found.setdefault(content, []).append(FileRow._make(row))
        return found

    # -- what the main process does

    def add_places(self, store: int, places: Iterable[Place]) -> None:
        """Remember where contents may lie; places of contents that are not wanted are passed over."""
        with self.transaction():
            self.db.executemany(
                "INSERT OR IGNORE INTO place (content, store, key, offset, length, frame, stored) "
                "SELECT id, ?, ?, ?, ?, ?, ? FROM content WHERE sha = ? AND done = 0",
                ((store, *place[1:], place.sha) for place in places),
            )

    def missing(self) -> int:
        """How many contents are not had yet."""
        return self.one("SELECT count(*) FROM content WHERE done = 0")

    def is_empty(self) -> bool:
        """Whether nothing is to be made."""
        some = "EXISTS (SELECT 1 FROM file) OR EXISTS (SELECT 1 FROM link) OR EXISTS (SELECT 1 FROM folder WHERE made = 1)"
        return not self.one(f"SELECT {some}")

    def unplaced(self) -> int:
        """How many contents are not had yet and have no place left to look at."""
        return self.one(
            "SELECT count(*) FROM content WHERE done = 0 AND NOT EXISTS (SELECT 1 FROM place WHERE content = content.id AND tried = 0)"
        )

    def assign(self, store: int) -> int:
        """Choose one untried place in this store for each content not had yet, as the job to be done next. How many there are."""
        self._store = store
        with self.transaction():
            self.db.execute("DELETE FROM job")
            # Whole objects before members, then by key: contents that lie in one pack are read together.
            self.db.execute(
                "INSERT OR IGNORE INTO job SELECT p.content, p.key, p.offset, p.length, p.frame, p.stored FROM place p "
                "JOIN content c ON c.id = p.content "
                "WHERE c.done = 0 AND p.store = ? AND p.tried = 0 ORDER BY p.length = -1 DESC, p.key, p.frame, p.offset", (store,))
            self.db.execute(
                "UPDATE place SET tried = 1 WHERE store = ?1 AND EXISTS "
                "(SELECT 1 FROM job j WHERE j.content = place.content AND j.key = place.key AND j.offset = place.offset "
                "AND j.length = place.length AND j.frame = place.frame)", (store,))
        return self.one("SELECT count(*) FROM job")

    def finish_keys(self, keys: Iterable[str], failed: Iterable[int], unread: Iterable[int] = ()) -> None:
        """The contents to be read from these objects are written, but those that `failed`, some because they could not be read."""
        with self.transaction():
            self.db.executemany("UPDATE content SET done = 1 WHERE id IN (SELECT content FROM job WHERE key = ?)", ((key,) for key in keys))
            sql = "UPDATE content SET done = 0, trouble = max(trouble, ?) WHERE id = ?"
            self.db.executemany(sql, ((UNSOUND, content) for content in failed))
            self.db.executemany(sql, ((UNREAD, content) for content in unread))

    def note_cold(self, keys: Iterable[str]) -> None:
        """These objects of the job lie in a cold storage class, and so do the contents that were to be read from them."""
        with self.transaction():
            sql = "INSERT OR IGNORE INTO cold SELECT ?, key, content FROM job JOIN content c ON c.id = content WHERE key = ? AND c.done = 0"
            self.db.executemany(sql, ((self._store, key) for key in keys))

    def frozen(self) -> int:
        """How many contents are not had yet, and lie in a cold storage class."""
        return self.one("SELECT count(*) FROM content WHERE done = 0 AND id IN (SELECT content FROM cold)")

    def try_cold_again(self) -> None:
        """What was cold is thawed: it is to be read where it was found."""
        with self.transaction():
            self.db.execute("UPDATE content SET trouble = 0 WHERE id IN (SELECT content FROM cold)")
            self.db.execute("UPDATE place SET tried = 0 WHERE EXISTS (SELECT 1 FROM cold c WHERE c.content = place.content "
                            "AND c.store = place.store AND c.key = place.key)")
            self.db.execute("DELETE FROM cold")

    def set_states(self, state: int, ids: Iterable[int]) -> None:
        with self.transaction():
            self.db.executemany("UPDATE file SET state = ? WHERE id = ?", ((state, number) for number in ids))

    def settle(self) -> None:
        """Contents of which no file is wanted any more need not be had."""
        self.db.execute("UPDATE content SET done = 1 WHERE NOT EXISTS (SELECT 1 FROM file WHERE content = content.id AND state = 0)")

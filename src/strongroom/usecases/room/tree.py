"""Looking around in the index: collections, versions, folders, files, and where else a content lies. Always within the collections that
may be seen (`seen`, their names)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from strongroom.core.digests import Digest

Db = sqlite3.Connection
_COLUMNS: Final = "e.name, e.child, e.sha, e.size, e.mtime, e.type, r.json, e.target, f.files, f.bytes"
_ENTRIES: Final = (
    f"SELECT {_COLUMNS} FROM entry e LEFT JOIN folder f ON f.id = e.child LEFT JOIN record r ON r.id = e.record "  # noqa: S608 -- constants
)
_BAGS: Final = (
    "SELECT b.id, b.seal, b.name, b.version, b.sealed, b.root, b.links, b.refused, f.files, f.bytes "
    "FROM bag b JOIN folder f ON f.id = b.root "
)
_STEPS: Final = 20_000  # of looking for the places of a content


@dataclass(frozen=True, slots=True)
class Bag:
    id: int
    seal: Digest
    name: str
    version: int
    sealed: str  # UTC; a hint
    root: int  # its top folder
    links: int
    refused: int  # lines of its manifest that name no file
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Entry:
    """What lies in a folder: a folder (`child`), a symbolic link (`target`) or a file."""

    name: bytes
    child: int | None
    sha: bytes | None
    size: int | None
    mtime: int | None  # nanoseconds since 1970 UTC
    type: str | None
    record: str | None  # JSON
    target: bytes | None
    files: int | None  # in a folder and below
    bytes: int | None

    @property
    def shown(self) -> str:
        """Its name for people."""
        return self.name.decode("utf-8", "replace")

    @property
    def kind(self) -> str:
        return "folder" if self.child is not None else "link" if self.target is not None else "file"


def bags(db: sqlite3.Connection, seen: Collection[str], name: str | None = None) -> list[Bag]:
    """Every bag that may be seen, or those of one collection, by name and version."""
    rows = db.execute(
        _BAGS + "WHERE b.name IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR b.name = ?2) ORDER BY b.name, b.version, b.seal",  # noqa: S608
        (json.dumps(sorted(seen)), name))
    return [_bag(row) for row in rows]


def newest_bags(db: sqlite3.Connection, seen: Collection[str]) -> Iterator[tuple[Bag, int]]:
    """The newest bag of each collection that may be seen, and how many bags it has."""
    for row in db.execute(
        _BAGS.replace("SELECT ", "SELECT max(b.version), count(*), ", 1)  # noqa: S608
        + "WHERE b.name IN (SELECT value FROM json_each(?)) GROUP BY b.name ORDER BY b.name", (json.dumps(sorted(seen)),)
    ):
        yield _bag(row[2:]), row[1]


def find_bag(db: sqlite3.Connection, seal: Digest) -> Bag | None:
    row = db.execute(_BAGS + "WHERE b.seal = ?", (seal.raw,)).fetchone()
    return None if row is None else _bag(row)


def about(db: sqlite3.Connection, bag: Bag) -> dict[str, Any]:
    """What describes the collection in this bag, its events up to the seal, and what the seal counts."""
    found: dict[str, Any] = json.loads(db.execute("SELECT about FROM bag WHERE id = ?", (bag.id,)).fetchone()[0])
    return found


def entry_at(db: sqlite3.Connection, root: int, path: list[bytes]) -> Entry | None:
    """What lies at a path of at least one segment below a folder."""
    folder: int | None = root
    entry = None
    for name in path:
        if folder is None:
            return None
        row = db.execute(_ENTRIES + "WHERE e.folder = ? AND e.name = ?", (folder, name)).fetchone()
        if row is None:
            return None
        entry = Entry(*row)
        folder = entry.child
    return entry


def entries(db: sqlite3.Connection, folder: int, *, offset: int = 0, limit: int = 500) -> list[Entry]:
    """What lies in a folder: folders first, then by name."""
    rows = db.execute(_ENTRIES + "WHERE e.folder = ? ORDER BY e.child IS NULL, e.name LIMIT ? OFFSET ?", (folder, limit, offset))
    return [Entry(*row) for row in rows]


def count_entries(db: sqlite3.Connection, folder: int) -> int:
    return int(db.execute("SELECT count(*) FROM entry WHERE folder = ?", (folder,)).fetchone()[0])


def holders(db: sqlite3.Connection, sha: bytes, seen: Collection[str]) -> tuple[list[str], int | None]:
    """Which collections that may be seen have a content, and its length where that is known."""
    sql = "SELECT name, size FROM held WHERE sha = ? AND name IN (SELECT value FROM json_each(?)) ORDER BY name"
    rows = db.execute(sql, (sha, json.dumps(sorted(seen)))).fetchall()
    return [name for name, _ in rows], next((size for _, size in rows if size is not None), None)


@dataclass(frozen=True, slots=True)
class Place:
    """A file with a content: in which bag, at which path."""

    bag: Bag
    path: bytes


def places(db: sqlite3.Connection, sha: bytes, seen: Collection[str], *, limit: int = 50) -> list[Place]:
    """Files with this content, found from below: the newest versions first, some of them where there are many."""
    tops: dict[int, dict[str, Bag]] = {}
    for bag in bags(db, seen):  # of versions with one and the same tree the newest
        tops.setdefault(bag.root, {})[bag.name] = bag
    found: dict[tuple[str, int, bytes], Place] = {}
    waiting = list(db.execute("SELECT folder, name FROM entry WHERE sha = ? LIMIT ?", (sha, _STEPS)))
    steps = 0
    while waiting and steps < _STEPS and len(found) < 20 * limit:
        folder, path = waiting.pop()
        steps += 1
        for bag in tops.get(folder, {}).values():
            found[bag.name, bag.version, path] = Place(bag, path)
        waiting += [(up, name + b"/" + path) for up, name in db.execute("SELECT folder, name FROM entry WHERE child = ?", (folder,))]
    return sorted(found.values(), key=lambda one: (one.bag.name, -one.bag.version, one.path))[:limit]


def _bag(row: tuple[Any, ...]) -> Bag:
    return Bag(row[0], Digest.from_bytes(row[1]), *row[2:])

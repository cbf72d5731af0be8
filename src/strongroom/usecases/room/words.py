"""Search over names and metadata. Who may not see a collection learns nothing of it: neither by a hit, nor by a count or an order."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from strongroom.core.digests import Digest
from strongroom.core.ids import BagId

MAX_QUERY: Final = 200  # characters
#: Hits beyond this are not counted.
COUNTED: Final = 10_000
_WORD: Final = re.compile(r"\w+")
_SEEN: Final = "f.name IN (SELECT value FROM json_each(:seen))"
# Not by relevance: its figures are made from all there is, and an order can tell of what is not shown.
_MATCHING: Final = f"FROM words w JOIN found f ON f.id = w.rowid WHERE words MATCH :query AND {_SEEN}"
_CONTAINING: Final = (
    f"FROM found f JOIN words w ON w.rowid = f.id WHERE {_SEEN} AND (instr(lower(w.path), :query) OR instr(lower(w.record), :query))"
)


@dataclass(frozen=True, slots=True)
class Hit:
    """A path of a collection, in the newest version that has it; an empty path is the collection itself."""

    name: str
    version: int
    seal: bytes
    path: bytes
    record: str | None  # JSON

    @property
    def digest(self) -> Digest:
        """The bag's identity."""
        return Digest.from_bytes(self.seal)


@dataclass(frozen=True, slots=True)
class Hits:
    count: int  # at most COUNTED
    hits: tuple[Hit, ...]


def search(db: sqlite3.Connection, query: str, seen: Collection[str], *, offset: int = 0, limit: int = 50) -> Hits:
    """What has every word of the query in its name or metadata (each may be the beginning of a longer word), by collection and path.

    Where no word matches, or there is none (signs alone, a part of a word in a script without spaces), what contains the query.
    """
    query = query.replace("\0", "")[:MAX_QUERY].strip()
    if not query:
        return Hits(0, ())
    names = json.dumps(sorted(seen))
    words = _WORD.findall(query)
    found = _search(db, _MATCHING, " ".join(f'"{word}"*' for word in words), names, offset, limit) if words else Hits(0, ())
    return found if found.count else _search(db, _CONTAINING, query.lower(), names, offset, limit)


def _search(db: sqlite3.Connection, where: str, query: str, names: str, offset: int, limit: int) -> Hits:
    values = {"query": query, "seen": names, "limit": limit, "offset": offset, "counted": COUNTED}
    count = db.execute(f"SELECT count(*) FROM (SELECT 1 {where} LIMIT :counted)", values).fetchone()[0]  # noqa: S608 -- constants
    rows = db.execute(
        "SELECT h.name, b.version, b.seal, h.path, r.json FROM "  # noqa: S608 -- constants
        f"(SELECT f.name, f.path, f.bag, f.record {where} ORDER BY f.name, f.path LIMIT :limit OFFSET :offset) h "
        "JOIN bag b ON b.id = h.bag LEFT JOIN record r ON r.id = h.record ORDER BY h.name, h.path",
        values)
    return Hits(count, tuple(Hit(*row) for row in rows))


def index_words(db: sqlite3.Connection, bag: BagId, number: int, about: dict[str, Any]) -> None:
    """Let the paths of a bag (the attached work.item) be found, those of older versions as they were in the newest that has them."""
    db.create_function("shown", 1, lambda raw: raw.decode("utf-8", "replace"), deterministic=True)
    db.create_function("spoken", 1, lambda text: "" if text is None else " ".join(_strings(json.loads(text))), deterministic=True)
    newer = "(SELECT version FROM bag WHERE id = found.bag) <= :version"
    files = "SELECT path, record FROM work.item WHERE sha IS NOT NULL"
    values = {"name": bag.name, "bag": number, "version": bag.version}
    db.execute("CREATE TEMP TABLE changed (id INTEGER PRIMARY KEY)")
    try:
        db.execute(
            f"INSERT INTO temp.changed SELECT found.id FROM found JOIN ({files}) i ON i.path = found.path "  # noqa: S608 -- constants
            f"WHERE found.name = :name AND {newer} AND found.record IS NOT i.record", values)
        db.execute(
            f"UPDATE found SET bag = :bag, record = (SELECT record FROM work.item i WHERE i.path = found.path) "  # noqa: S608 -- constants
            f"WHERE name = :name AND {newer} AND path IN (SELECT path FROM work.item WHERE sha IS NOT NULL)", values)
        last = db.execute("SELECT coalesce(max(id), 0) FROM found").fetchone()[0]
        db.execute(f"INSERT OR IGNORE INTO found (name, path, bag, record) SELECT :name, path, :bag, record FROM ({files})", values)  # noqa: S608
        db.execute("INSERT INTO temp.changed SELECT id FROM found WHERE id > ?", (last,))
        db.execute("DELETE FROM words WHERE rowid IN (SELECT id FROM temp.changed)")
        db.execute(
            "INSERT INTO words (rowid, path, record) SELECT f.id, shown(f.path), spoken(r.json) FROM found f "
            "LEFT JOIN record r ON r.id = f.record WHERE f.id IN (SELECT id FROM temp.changed)")
        _collection(db, bag, number, about)
    finally:
        db.execute("DROP TABLE temp.changed")


def _collection(db: sqlite3.Connection, bag: BagId, number: int, about: dict[str, Any]) -> None:
    sql = "SELECT f.id, b.version FROM found f JOIN bag b ON b.id = f.bag WHERE f.name = ? AND f.path = x''"
    row = db.execute(sql, (bag.name,)).fetchone()
    if row is not None and row[1] > bag.version:
        return
    if row is not None:
        db.execute("DELETE FROM words WHERE rowid = ?", (row[0],))
        db.execute("DELETE FROM found WHERE id = ?", (row[0],))
    said = [about.get(name) for name in ("title", "description", "agents", "identifiers", "arrangement")]
    sql = "INSERT INTO found (name, path, bag) VALUES (?, x'', ?) RETURNING id"
    made = db.execute(sql, (bag.name, number)).fetchone()[0]
    db.execute("INSERT INTO words (rowid, path, record) VALUES (?, ?, ?)", (made, bag.name, " ".join(_strings(said))))


def _strings(value: Any) -> Iterator[str]:
    """Every text in a JSON value, in order, but for the names of members; however deep it is."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += reversed(one.values())
        elif isinstance(one, list):
            waiting += reversed(one)
        elif isinstance(one, str | int | float) and not isinstance(one, bool):
            yield str(one)

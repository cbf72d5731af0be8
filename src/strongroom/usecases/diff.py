"""What differs between two bags: their payload, folders and links, merged in one pass over both (each is sorted)."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple

from strongroom.core.findings import Finding, has_errors
from strongroom.usecases.context import Context
from strongroom.usecases.sealed.bag import SealedBag, open_bag
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.places import resolve

#: What can happen to a path, in the order in which it is printed. "metadata": the same content with another mode or time.
KINDS: Final = ("added", "removed", "renamed", "altered", "metadata")

_TABLES: Final = """
CREATE TABLE change (id INTEGER PRIMARY KEY, change TEXT NOT NULL, kind TEXT NOT NULL, path TEXT NOT NULL, before TEXT, content TEXT,
  old_mode TEXT, new_mode TEXT, old_mtime INTEGER, new_mtime INTEGER, old_size INTEGER, new_size INTEGER, left_out TEXT);
CREATE INDEX change_content ON change (change, content) WHERE content IS NOT NULL;
"""


class Item(NamedTuple):
    """A file, folder or link of a bag."""

    path: str
    kind: str  # "file", "directory", "symlink"; "excluded" for what the source had and the bag has not
    content: str | None  # of a file its SHA-256, of a link its target in base64, of what was left out the reason
    mode: str | None = None  # octal digits
    mtime: int | None = None  # ns
    size: int | None = None  # bytes, of a file


class Change(NamedTuple):
    change: str  # of KINDS
    kind: str
    path: str
    before: str | None  # of what was renamed: its path in the first bag
    old_mode: str | None
    new_mode: str | None
    old_mtime: int | None
    new_mtime: int | None
    old_size: int | None
    new_size: int | None
    left_out: str | None  # of what was removed: why the second bag was made without it, although the source had it

    def to_json(self) -> dict[str, Any]:
        value: dict[str, Any] = {"change": self.change, "kind": self.kind, "path": self.path}
        if self.before is not None:
            value["before"] = self.before
        if self.old_mode != self.new_mode:
            value["mode"] = {"before": self.old_mode, "after": self.new_mode}
        if self.old_mtime != self.new_mtime:
            value["mtime"] = {"before": self.old_mtime, "after": self.new_mtime}
        if self.old_size != self.new_size:
            value["size"] = {"before": self.old_size, "after": self.new_size}
        if self.left_out is not None:
            value["left_out"] = self.left_out
        return value


@dataclass(frozen=True, slots=True)
class DiffReport:
    """The changes from `before` to `after`. They lie in a file, for there may be millions; the report is good as long as `diff` is open."""

    before: str
    after: str
    counts: dict[str, int]
    findings: tuple[Finding, ...]
    database: Path

    @property
    def exit_status(self) -> int:
        return 1 if has_errors(self.findings) else 0

    def changes(self) -> Iterator[Change]:
        """Every change, by kind of change and path."""
        db = sqlite3.connect(self.database)
        order = " ".join(f"WHEN '{kind}' THEN {number}" for number, kind in enumerate(KINDS))
        query = (
            "SELECT change, kind, path, before, old_mode, new_mode, old_mtime, new_mtime, old_size, new_size, left_out FROM change "  # noqa: S608
            f"ORDER BY CASE change {order} END, path"
        )
        try:
            yield from map(Change._make, db.execute(query))
        finally:
            db.close()

    def head(self) -> dict[str, Any]:
        """The JSON document (schemas/diff-report.schema.json) without its list of changes."""
        return {
            "format": "strongroom-diff-report/1", "before": self.before, "after": self.after, "counts": self.counts,
            "findings": [finding.to_json() for finding in self.findings],
        }

    def to_json(self) -> dict[str, Any]:
        """The whole document, in memory."""
        return {**self.head(), "changes": [change.to_json() for change in self.changes()]}


@contextmanager
def diff(
    before: tuple[str, int | None], after: tuple[str, int | None], context: Context, *, source: str | None = None
) -> Iterator[DiffReport]:
    """Compare two bags, each given by name and version (None: the latest). Raises as restore does.

    A folder's time changes with every entry made in it and says nothing of its own, so it is not compared.
    """
    collector = Collector()
    with context.scratch("diff") as scratch:
        bags: list[SealedBag] = []
        for number, (name, version) in enumerate((before, after)):
            target = resolve(name, version, context, collector, source=source)
            (scratch / str(number)).mkdir()
            bags.append(open_bag(target, scratch / str(number), collector))
        database = scratch / "changes.sqlite"
        db = sqlite3.connect(database, isolation_level=None)
        try:
            db.execute("PRAGMA synchronous = OFF")
            db.execute("PRAGMA journal_mode = OFF")
            db.executescript(_TABLES)
            db.execute("BEGIN")
            db.executemany(f"INSERT INTO change VALUES (NULL, ?, ?, ?, NULL, {', '.join('?' * 8)})", _compare(*bags))  # noqa: S608
            _find_renames(db)
            db.execute("COMMIT")
            found = dict(db.execute("SELECT change, count(*) FROM change GROUP BY change"))
        finally:
            db.close()
        counts = {kind: found.get(kind, 0) for kind in KINDS}
        yield DiffReport(str(bags[0].id), str(bags[1].id), counts, collector.findings(), database)


def _compare(before: SealedBag, after: SealedBag) -> Iterator[tuple[Any, ...]]:
    """(change, kind, path, content, old and new mode, mtime and size, why it was left out) of each path that differs."""
    merged = heapq.merge(((item, 0) for item in _items(before)), ((item, 1) for item in _items(after)), key=lambda pair: pair[0].path)
    for path, group in groupby(merged, key=lambda pair: pair[0].path):
        sides: list[Item | None] = [None, None]
        left_out: str | None = None
        for item, side in group:
            if item.kind != "excluded":
                sides[side] = item
            elif side:
                left_out = item.content
        old, new = sides
        if old is None and new is None:
            continue
        if old is None or new is None:
            one = old or new
            assert one is not None
            content = one.content if left_out is None else None  # what the source still had where it was is not what has another name
            yield "removed" if new is None else "added", one.kind, path, content, *[None] * 6, left_out
            continue
        if (old.kind, old.content) != (new.kind, new.content):
            change = "altered"
        elif old.mode != new.mode or (old.mtime != new.mtime and old.kind != "directory"):
            change = "metadata"
        else:
            continue
        # Without a content: what is not gone cannot have been renamed.
        times = (old.mtime, new.mtime) if new.kind != "directory" else (None, None)
        yield change, new.kind, path, None, old.mode, new.mode, *times, old.size, new.size, None


def _items(bag: SealedBag) -> Iterator[Item]:
    """Everything in a bag, in order of path: two sorted streams made one."""
    return heapq.merge(_files(bag), _structure(bag), key=itemgetter(0))


def _files(bag: SealedBag) -> Iterator[Item]:
    for entry, detail in bag.described():
        size = detail.get("size")
        yield Item(entry.path, "file", entry.digest.hex, *_attributes(detail), size if type(size) is int else None)


def _structure(bag: SealedBag) -> Iterator[Item]:
    for line in bag.lines("metadata/structure.jsonl"):
        path, kind = line.get("path"), line.get("kind")
        if isinstance(path, str) and kind in ("directory", "symlink"):
            target = line.get("target")
            yield Item(path, kind, target if isinstance(target, str) else None, *_attributes(line))
        elif isinstance(path, str) and kind == "excluded":
            yield Item(path, kind, str(line.get("reason")))


def _attributes(line: dict[str, Any]) -> tuple[str | None, int | None]:
    mode, mtime = line.get("mode"), line.get("mtime")
    return (mode if isinstance(mode, str) else None, mtime if type(mtime) is int else None)


def _find_renames(db: sqlite3.Connection) -> None:
    """A removed file and an added one of equal content are one renamed file: the first with the first, in order of path.

    Empty files are all alike and say nothing about each other; they are left as they are.
    """
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    numbered = (
        "SELECT id, path, content, row_number() OVER (PARTITION BY content ORDER BY path) AS number FROM change "  # noqa: S608
        f"WHERE change = '{{change}}' AND kind = 'file' AND content != '{empty}'"
    )
    db.execute(
        "CREATE TEMP TABLE pair AS SELECT r.id AS gone, r.path AS before, a.id AS new "  # noqa: S608
        f"FROM ({numbered.format(change='removed')}) r JOIN ({numbered.format(change='added')}) a "
        "ON a.content = r.content AND a.number = r.number")
    db.execute("CREATE UNIQUE INDEX pair_new ON pair (new)")
    db.execute(
        "UPDATE change SET change = 'renamed', before = (SELECT p.before FROM pair p WHERE p.new = change.id) "
        "WHERE id IN (SELECT new FROM pair)")
    db.execute("DELETE FROM change WHERE id IN (SELECT gone FROM pair)")

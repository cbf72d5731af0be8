"""From a sealed bag to the plan of its restore: names undone, paths checked, globs applied."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

from strongroom.core.errors import InvalidValueError
from strongroom.core.findings import Code, Finding
from strongroom.core.paths import ESCAPED_FOLDER, PayloadPath, from_payload_text, to_payload_text
from strongroom.core.plural import plural
from strongroom.usecases.restore.plan import Plan
from strongroom.usecases.sealed.bag import SealedBag

_BATCH: Final = 5000
_ESCAPED: Final = f"data/{ESCAPED_FOLDER}/"

Matcher = Callable[[bytes], bool]


class Builder:
    """Fills a plan. `matchers` (one a glob) choose by path below the source; none chooses everything."""

    def __init__(self, bag: SealedBag, plan: Plan, *, whole: bool, matchers: dict[str, Matcher]) -> None:
        self._bag = bag
        self._plan = plan
        self._whole = whole
        self._matchers = matchers
        self._matched: set[str] = set()
        self.seen = 0  # lines of the manifest
        self.refused = 0  # lines of the manifest that cannot be restored anywhere

    def build(self) -> None:
        with self._plan.transaction():
            self._names()
            self._files()
            self._structure()
            if self._matchers:
                self._drop_folders()
        for pattern in self._matchers.keys() - self._matched:
            self._say(Code.RESTORE_NO_MATCH, pattern, f"matches nothing in {self._bag.id}; paths are those below the source")

    def _say(self, code: Code, place: str, message: str) -> None:
        self._bag.collector.add(Finding(code, place, message))

    # -- names

    def _names(self) -> None:
        for line in self._bag.lines("metadata/names.jsonl"):
            path = line.get("path")
            try:
                name = base64.b64decode(line.get("bytes", ""), validate=True)
            except (ValueError, TypeError):
                name = b""
            # A line that gives another file's name to this one would let two files meet at one path.
            if not isinstance(path, str) or to_payload_text(name) != (path, True):
                self._say(Code.BAG_INVALID, f"{self._bag.id}: metadata/names.jsonl", f"the line for {path!r} gives another file's name")
            else:
                self._plan.db.execute("INSERT OR IGNORE INTO name VALUES (?, ?)", (path, name))

    def _target(self, path: str) -> bytes:
        """Where a payload path goes, below the root of what is restored. Raises InvalidValueError."""
        PayloadPath(path)
        if self._whole:
            return path.encode()
        names: dict[str, bytes] = {}
        if path.startswith(_ESCAPED):
            row = self._plan.db.execute("SELECT bytes FROM name WHERE path = ?", (path,)).fetchone()
            if row is not None:
                names[path] = row[0]
        return from_payload_text(path, names)

    def _chosen(self, target: bytes) -> bool:
        if not self._matchers:
            return True
        matching = {pattern for pattern, matches in self._matchers.items() if matches(target)}
        self._matched |= matching
        return bool(matching)

    # -- files

    def _files(self) -> None:
        rows = self._file_rows()
        special = 0
        while batch := list(islice(rows, _BATCH)):
            special += sum(1 for row in batch if row[4] is not None and row[4] & 0o7000)
            db = self._plan.db
            db.executemany("INSERT OR IGNORE INTO content (sha, size) VALUES (?, ?)", ((row[1], row[2]) for row in batch))
            before = db.total_changes
            db.executemany(
                "INSERT OR IGNORE INTO file (content, path, target, mode, mtime) "
                "VALUES ((SELECT id FROM content WHERE sha = ?), ?, ?, ?, ?)",
                ((sha, path, target, mode, mtime) for path, sha, _size, target, mode, mtime in batch),
            )
            if twice := len(batch) - (db.total_changes - before):
                what = plural(twice, "line names", "lines name") + " a path a second time"
                self._say(Code.BAG_INVALID, f"{self._bag.id}: manifest-sha256.txt", what)
        if special:
            what = f"{plural(special, 'file')} had the setuid, setgid or sticky bit, which is not restored"
            self._say(Code.RESTORE_NOTE, str(self._bag.id), what)

    def _file_rows(self) -> Iterator[tuple[str, bytes, int | None, bytes, int | None, int | None]]:
        """(path, sha256, size, target, mode, mtime) of every chosen file."""
        undescribed = 0
        for entry, detail in self._bag.described():
            self.seen += 1
            try:
                target = self._target(entry.path)
            except InvalidValueError as error:
                self.refused += 1
                self._say(Code.RESTORE_REFUSED, f"{self._bag.id}: {entry.path}", f"not written: {error}")
                continue
            if self._chosen(target):
                mode, mtime = _mode(detail), _number(detail, "mtime")
                undescribed += mtime is None
                yield entry.path, entry.digest.raw, _number(detail, "size"), target, mode, mtime
        if undescribed:
            self._say(
                Code.RESTORE_LIMIT, str(self._bag.id),
                f"metadata/technical.jsonl does not describe {plural(undescribed, 'file')}: restored without their times and modes",
            )

    # -- what the payload cannot hold

    def _structure(self) -> None:
        links = 0
        for line in self._bag.lines("metadata/structure.jsonl"):
            path, kind = line.get("path"), line.get("kind")
            if not isinstance(path, str) or kind not in ("directory", "symlink"):
                continue
            if self._whole and (kind == "symlink" or path.startswith(_ESCAPED)):
                links += 1
                continue
            try:
                root = path.rstrip("/") == "data"
                target = (b"data" if self._whole else b"") if root else self._target(path.rstrip("/"))
            except InvalidValueError as error:
                self._say(Code.RESTORE_REFUSED, f"{self._bag.id}: {path}", f"not made: {error}")
                continue
            chosen = self._chosen(target + b"/" if kind == "directory" else target) if target or not self._matchers else False
            if kind == "directory":
                self._plan.db.execute(
                    "INSERT OR IGNORE INTO folder VALUES (?, ?, ?, ?, ?)", (target, path, _mode(line), _number(line, "mtime"), chosen))
            elif chosen:
                self._link(target, path, line)
        if links:
            self._say(
                Code.RESTORE_NOTE, str(self._bag.id),
                plural(links, "link, or folder with a name no bag can hold, is", "links, or folders with names no bag can hold, are")
                + " only described in metadata/structure.jsonl; `strongroom restore --payload-only` makes them",
            )

    def _link(self, target: bytes, path: str, line: dict[str, Any]) -> None:
        points = b""
        with contextlib.suppress(ValueError, TypeError):
            points = base64.b64decode(line.get("target", ""), validate=True)
        if not points or b"\0" in points:
            self._say(Code.BAG_INVALID, f"{self._bag.id}: {path}", "metadata/structure.jsonl gives no target for this link")
            return
        self._plan.db.execute("INSERT OR IGNORE INTO link VALUES (?, ?, ?, ?)", (target, path, points, _number(line, "mtime")))

    def _drop_folders(self) -> None:
        """With globs, only folders that match and those above something that does."""
        # From "a/" to "a0", the byte after "/": everything below "a". SQLite joins only texts; casting leaves the bytes as they are.
        below = (
            "NOT EXISTS (SELECT 1 FROM {table} t WHERE t.target >= CAST(CAST(folder.target AS TEXT) || '/' AS BLOB) "
            "AND t.target < CAST(CAST(folder.target AS TEXT) || '0' AS BLOB))"
        )
        self._plan.db.execute(
            f"DELETE FROM folder WHERE made = 0 AND target != x'' AND {below.format(table='file')} AND {below.format(table='link')}")  # noqa: S608


def _number(line: dict[str, Any], member: str) -> int | None:
    value = line.get(member)
    return value if type(value) is int and -(1 << 63) <= value < 1 << 63 else None


def _mode(line: dict[str, Any]) -> int | None:
    """Permission bits: `mode` is a string of octal digits."""
    try:
        return int(line["mode"], 8) & 0o7777
    except (KeyError, ValueError, TypeError):
        return None

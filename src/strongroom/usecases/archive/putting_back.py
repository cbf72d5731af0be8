"""Modes, times, folders and links of a bag of our making that comes back: its tag files say them, its payload cannot hold them all.

What these say is the bag's word: each line is looked at before it is believed, and one that makes no sense costs itself only.
"""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from strongroom.core import canonical
from strongroom.core.errors import InvalidValueError
from strongroom.core.findings import Code, Finding
from strongroom.core.paths import from_payload_text, to_payload_text
from strongroom.usecases.archive.spool import Spool

_AT_ONCE: Final = 5000
_LONGEST_TARGET: Final = 4095  # bytes of a link's target, as Linux has it
_ROOT: Final = "data/"

NameOf = Callable[[str], bytes | None]  # the name that a path below data/_names stands for


def put_back_technical(spool: Spool, file: Path) -> Iterator[Finding]:
    """Modes and times of files, from `metadata/technical.jsonl`."""
    rows = _parsed(file, "metadata/technical.jsonl", lambda line: (_mode(line), _time(line), str(line["path"])))
    while some := list(islice(rows, _AT_ONCE)):
        yield from (one for one in some if isinstance(one, Finding))
        with spool.transaction() as db:
            db.executemany("UPDATE files SET mode = ?, mtime = ? WHERE path = ?", (one for one in some if not isinstance(one, Finding)))


def put_back_structure(spool: Spool, file: Path, name_of: NameOf) -> Iterator[Finding]:
    """Folders and links, from `metadata/structure.jsonl`. What was left out when that bag was made is no part of this one."""
    rows = _parsed(file, "metadata/structure.jsonl", lambda line: _entry(line, name_of))
    while some := list(islice(rows, _AT_ONCE)):
        yield from (one for one in some if isinstance(one, Finding))
        with spool.transaction() as db:
            for one in some:
                if isinstance(one, Finding) or one is None:
                    continue
                (path, *values), name = one
                if _is_free(db, path):
                    db.execute("INSERT OR REPLACE INTO structure (path, kind, mode, mtime, target) VALUES (?, ?, ?, ?, ?)", (path, *values))
                    if name is not None:
                        db.execute("INSERT OR REPLACE INTO names (path, name) VALUES (?, ?)", (path, name))
                else:
                    yield _note("metadata/structure.jsonl", f"{path} is a file, or lies in one")
    yield from _drop_what_lies_in_links(spool)


def _parsed(file: Path, what: str, parse: Callable[[dict[str, Any]], Any]) -> Iterator[Any]:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield parse(canonical.loads_line(line, what=what))
            except (InvalidValueError, KeyError, TypeError, ValueError) as error:
                yield _note(f"{what}, line {number}", str(error)[:300])


def _note(place: str, why: str) -> Finding:
    return Finding(Code.IMPORT_NOTE, place, f"is not taken over: {why}; it stays in the bag's own tag files")


def _entry(line: dict[str, Any], name_of: NameOf) -> tuple[tuple[object, ...], bytes | None] | None:
    """A row of `structure` and the name its path stands for; None for what was left out."""
    kind, path = line["kind"], line["path"]
    if kind not in ("directory", "symlink"):
        return None
    stands_for = name_of(path)
    if path != _ROOT:
        name = from_payload_text(path, {} if stands_for is None else {path: stands_for})
        if to_payload_text(name)[0] != path:
            raise InvalidValueError(f"{path!r} is not the path of {name!r}")
    if kind == "directory":
        return (path, kind, _mode(line), _time(line) or None, None), stands_for
    target = base64.b64decode(line["target"], validate=True)
    if path == _ROOT or not target or b"\0" in target or len(target) > _LONGEST_TARGET:
        raise InvalidValueError(f"{path!r} is no link that could be made")
    return (path, kind, None, _time(line) or None, target), stands_for


def _mode(line: dict[str, Any]) -> int:
    mode = int(line["mode"], 8)
    if not 0 <= mode <= 0o7777:
        raise InvalidValueError(f"{line['mode']!r} is no mode")
    return mode


def _time(line: dict[str, Any]) -> int:
    mtime = line["mtime"]
    if type(mtime) is not int or not -(1 << 63) <= mtime < 1 << 63:
        raise InvalidValueError(f"{mtime!r} is no time")
    return mtime


def _is_free(db: sqlite3.Connection, path: str) -> bool:
    """Whether no file of the payload is at this path, or at one above it."""
    segments = path.rstrip("/").split("/")
    above = ["/".join(segments[:end]) for end in range(2, len(segments) + 1)]
    return all(db.execute("SELECT 1 FROM files WHERE path = ?", (one,)).fetchone() is None for one in above)


def _drop_what_lies_in_links(spool: Spool) -> Iterator[Finding]:
    """Nothing lies below a link: where the payload has something there, the link goes; what is only described goes itself."""
    for (path,) in list(spool.db.execute("SELECT path FROM structure WHERE kind = 'symlink' ORDER BY path")):
        below = (f"{path}/", f"{path}0")  # "0" is the character after "/"
        with spool.transaction() as db:
            if db.execute("SELECT 1 FROM files WHERE path >= ? AND path < ?", below).fetchone() is not None:
                db.execute("DELETE FROM structure WHERE path = ?", (path,))
                db.execute("DELETE FROM names WHERE path = ?", (path,))
                yield _note("metadata/structure.jsonl", f"{path} is said to be a link, and files lie below it")
            else:
                db.execute("DELETE FROM structure WHERE path >= ? AND path < ?", below)

"""`mode: accrue`: what the bag before held and this delivery does not is carried over."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from strongroom.core.errors import UsageError
from strongroom.core.findings import Code, Finding
from strongroom.usecases.archive.previous import SealedTagFiles
from strongroom.usecases.archive.spool import Spool

_RECORDS: Final = "metadata/records/records.jsonl"


def carry_over(spool: Spool, previous: SealedTagFiles, algorithms: tuple[str, ...], found: Callable[[Finding], None]) -> None:
    """Add to the payload what the bag before held at paths where this delivery has nothing. May be called again.

    A file that could not be read in this delivery is carried over too, if the bag before had it. Where the delivery has a folder or
    link in the place of a file, or the other way round, the delivery wins, which is a finding. Raises UsageError if the bag before
    lacks digests that are wanted now.
    """
    missing = [name for name in algorithms if name not in previous.algorithms]
    if missing:
        raise UsageError(
            f"mode accrue cannot add {', '.join(missing)} to `fixity`: the bag before has no such digests of the files it carries over"
        )
    rows = (
        (row.path, row.size, row.mtime, row.mode, bytes.fromhex(row.digests["sha256"]),
         b"".join(bytes.fromhex(row.digests[name]) for name in algorithms[1:]), row.type)
        for row in previous.payload()
    )
    structure = (
        (line["path"], line["kind"], int(line["mode"], 8) if "mode" in line else None, line.get("mtime"),
         base64.b64decode(line["target"]) if "target" in line else None)
        for line in previous.lines("metadata/structure.jsonl")
        if line["kind"] != "excluded"
    )
    names = ((line["path"], base64.b64decode(line["bytes"])) for line in previous.lines("metadata/names.jsonl"))
    with spool.transaction() as db:
        db.executemany(
            "INSERT OR IGNORE INTO files (path, size, mtime, mode, sha256, others, type, ctime, inode, read) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 2)",
            rows,
        )
        db.executemany("INSERT OR IGNORE INTO structure (path, kind, mode, mtime, target, carried) VALUES (?, ?, ?, ?, ?, 1)", structure)
        db.executemany("INSERT OR IGNORE INTO names (path, name) VALUES (?, ?)", names)
        replaced = [path for (path,) in db.execute(_REPLACED)]
        db.executemany("DELETE FROM files WHERE path = ?", ((path,) for path in replaced))
        db.execute(_REPLACED_STRUCTURE)
        db.execute("DELETE FROM structure WHERE kind = 'excluded' AND path IN (SELECT path FROM files)")
    for path in replaced:
        found(Finding(Code.SOURCE_REPLACED, path, "the delivery has something of another kind in its place; the bag before keeps the file"))


#: Carried files at, below or above something delivered that is no folder above them. In UTF-8 "0" follows "/": a range holds a folder.
_REPLACED: Final = """
SELECT path FROM files c WHERE read = 2 AND (
  EXISTS (SELECT 1 FROM files d WHERE d.read < 2 AND d.path > c.path || '/' AND d.path < c.path || '0')
  OR EXISTS (SELECT 1 FROM structure s WHERE NOT s.carried AND s.kind IN ('directory', 'symlink') AND s.path = c.path)
) UNION SELECT c.path FROM files d JOIN files c ON c.read = 2 AND c.path > d.path || '/' AND c.path < d.path || '0' WHERE d.read < 2
UNION SELECT c.path FROM structure s JOIN files c ON c.read = 2 AND c.path > s.path || '/' AND c.path < s.path || '0'
WHERE NOT s.carried AND s.kind = 'symlink'
"""

_REPLACED_STRUCTURE: Final = """
DELETE FROM structure WHERE carried AND path <> 'data/' AND (
  path IN (SELECT path FROM files)
  OR path IN (SELECT s.path FROM files d JOIN structure s ON s.path > d.path || '/' AND s.path < d.path || '0' WHERE d.read < 2)
  OR (kind = 'symlink' AND EXISTS (SELECT 1 FROM files d WHERE d.path > structure.path || '/' AND d.path < structure.path || '0'))
)
"""


def merge_records(
    spool: Spool, previous: SealedTagFiles, supplied: Iterable[tuple[str, Path]], scratch: Path
) -> list[tuple[str, Path]]:
    """The records of this delivery, and with them those of the bag before about files that are carried over."""
    files = dict(supplied)
    merged = scratch / "merged-records.jsonl"
    with merged.open("wb") as out:
        if _RECORDS in files:
            with files[_RECORDS].open("rb") as new:
                for line in new:
                    out.write(line)
        for record in previous.lines(_RECORDS):
            path = record.get("filename")
            if isinstance(path, str) and spool.db.execute("SELECT 1 FROM files WHERE path = ? AND read = 2", (path,)).fetchone():
                out.write(json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")
    if merged.stat().st_size:
        files[_RECORDS] = merged
    return sorted(files.items())


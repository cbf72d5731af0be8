"""A bag that was received, as the source of an archive run: what it promises is compared with what was read."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from strongroom.core.events import Event
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId
from strongroom.core.paths import ESCAPED_FOLDER, to_payload_text
from strongroom.database import attached
from strongroom.usecases.archive.putting_back import put_back_structure, put_back_technical
from strongroom.usecases.archive.spool import Spool
from strongroom.usecases.archive.supplied import digest_of

_ESCAPED: Final = b"data/" + ESCAPED_FOLDER.encode() + b"/"
_PROMISED: Final = """
SELECT e.path, m.name, m.algorithm, e.digest, f.sha256, f.others, f.id, s.reason
FROM bag.entries e JOIN bag.manifests m ON m.id = e.manifest
LEFT JOIN files f ON f.path = payload_text(e.path) LEFT JOIN structure s ON s.path = payload_text(e.path) AND s.kind = 'excluded'
WHERE NOT m.tag AND m.known
"""
_UNPROMISED: Final = """
SELECT path FROM files WHERE path NOT IN (SELECT payload_text(e.path) FROM bag.entries e JOIN bag.manifests m ON m.id = e.manifest
WHERE NOT m.tag)
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a validated bag brings besides its payload.

    `index`: the SQLite file of its validation (usecases.verify.index), where the table `names` has the payload paths that stand for
    names BagIt cannot hold. `events` become the bag's, each with the bag among its objects. `technical` and `structure`: those tag files of
    a bag of our making, which say what its files, folders and links were.
    """

    index: Path
    algorithms: tuple[str, ...]  # of its payload manifests, those that can be computed
    tag_files: tuple[tuple[str, Path], ...]  # for our bag, by path in it
    events: tuple[Event, ...]
    technical: Path | None = None
    structure: Path | None = None

    def received(self, bag: BagId) -> list[Event]:
        """What was done with it before it became this bag."""
        return [replace(event, objects=(str(bag), *event.objects)) for event in self.events]

    def take_names(self, spool: Spool) -> None:
        """Give files below data/_names of a bag of our making the paths they have there, instead of escaping them once more."""
        with closing(sqlite3.connect(self.index)) as index, spool.transaction() as db:
            taken = 0
            for path, name in index.execute("SELECT path, name FROM names"):
                escaped, _ = to_payload_text(path.removeprefix("data/").encode())
                if db.execute("UPDATE files SET path = ?, name = NULL WHERE path = ?", (path, escaped)).rowcount:
                    db.execute("DELETE FROM names WHERE path = ?", (escaped,))
                    db.execute("INSERT OR REPLACE INTO names (path, name) VALUES (?, ?)", (path, name))
                    taken += 1
            if taken:  # the folder that holds them is none of the collection's
                folder = (to_payload_text(ESCAPED_FOLDER.encode())[0],)
                db.execute("DELETE FROM structure WHERE path = ?", folder)
                db.execute("DELETE FROM names WHERE path = ?", folder)

    def put_back(self, spool: Spool) -> list[Finding]:
        """Give files, folders and links the modes and times that the bag says they had, once everything was read. May be called again."""
        findings: list[Finding] = []
        if self.technical is not None:
            findings += put_back_technical(spool, self.technical)
        if self.structure is not None:
            with closing(sqlite3.connect(self.index)) as index:

                def name_of(path: str) -> bytes | None:
                    row = index.execute("SELECT name FROM names WHERE path = ?", (path,)).fetchone()
                    return None if row is None else bytes(row[0])

                findings += put_back_structure(spool, self.structure, name_of)
        return findings

    def without_records(self, folder: Path) -> Path:
        """An empty folder to look for records in: what lies in a stranger's payload is payload."""
        empty = folder / "no-records"
        empty.mkdir()
        return empty

    def compare(self, spool: Spool, algorithms: tuple[str, ...]) -> Iterator[Finding]:
        """Every digest of every payload manifest against what was read, and that nothing came or went since. `algorithms`: those read."""
        with closing(sqlite3.connect(self.index)) as names:

            def payload_text(path: bytes) -> str:
                text = path.decode("utf-8", "replace")
                own = path.startswith(_ESCAPED) and names.execute("SELECT 1 FROM names WHERE path = ?", (text,)).fetchone()
                return text if own else to_payload_text(path.removeprefix(b"data/"))[0]

            yield from self._compare(spool, algorithms, payload_text)

    def _compare(self, spool: Spool, algorithms: tuple[str, ...], payload_text: Callable[[bytes], str]) -> Iterator[Finding]:
        spool.db.create_function("payload_text", 1, payload_text, deterministic=True)
        with attached(spool.db, self.index, "bag") as db:
            for path, manifest, algorithm, digest, sha256, others, file, reason in db.cursor().execute(_PROMISED):
                place = os.fsdecode(path)
                if reason == "withheld":
                    continue  # a takedown says that it is not to come back
                if file is None or sha256 is None:
                    yield Finding(Code.IMPORT_CHANGED, place, f"was valid by {manifest} and could not be read again ({reason or 'gone'})")
                elif (read := digest_of(sha256, others, algorithms, algorithm)) != digest:
                    yield Finding(Code.IMPORT_CHANGED, place, f"changed after it was validated: has {read}, and {manifest} says {digest}")
            for (path,) in db.cursor().execute(_UNPROMISED):
                yield Finding(Code.IMPORT_CHANGED, path, "appeared after the bag was validated: no manifest lists it")

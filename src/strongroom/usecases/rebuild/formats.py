"""What the tag files of a bag say of the formats of its contents, into a database that the catalogue takes in."""

from __future__ import annotations

import re
import sqlite3
from itertools import islice
from typing import Any, Final

from strongroom.core.formats import Format, extension_of
from strongroom.usecases.sealed.bag import SealedBag

_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}\Z")  # RFC 6838, 4.2
_AT_ONCE: Final = 10_000
#: Verdicts that are told apart in one bag; what a hostile one invents beyond them is not learned.
_MOST: Final = 20_000


class LearnedFormats:
    """The verdicts of one bag, and which payload file has which."""

    def __init__(self, bag: SealedBag, db: sqlite3.Connection) -> None:
        """`db` has the tables of catalogue.relearn.PART_FORMATS."""
        self._db = db
        self._numbers: dict[int, int] = {}  # by line of metadata/formats.jsonl
        self._rows: list[tuple[bytes, str, int]] = []
        self._totals: dict[int, tuple[int, int]] = {}
        self._seal = bag.digest.raw
        for line, value in enumerate(islice(bag.lines("metadata/formats.jsonl"), _MOST), 1):
            verdict = Format.of_json(value)
            if verdict.mime and not _TYPE.match(verdict.mime):
                verdict = verdict._replace(mime="")
            sql = "INSERT INTO verdicts (mime, puid, name, version, basis, flags, signatures) VALUES (?, ?, ?, ?, ?, ?, ?)"
            self._numbers[line] = int(db.execute(sql, verdict).lastrowid or 0)

    def note(self, path: str, sha256: bytes, size: int, line: Any) -> None:
        """A payload file; `line`: the member `format` of what technical.jsonl says of it."""
        number = self._numbers.get(line) if type(line) is int else None
        if number is None:
            return
        files, total = self._totals.get(number, (0, 0))
        self._totals[number] = files + 1, total + size
        self._rows.append((sha256, extension_of(path), number))
        if len(self._rows) >= _AT_ONCE:
            self._flush()

    def close(self) -> None:
        self._flush()
        rows = [(self._seal, number, files, size) for number, (files, size) in self._totals.items()]
        self._db.executemany("INSERT INTO bag_formats VALUES (?, ?, ?, ?)", rows)

    def _flush(self) -> None:
        self._db.executemany("INSERT OR REPLACE INTO formats VALUES (?, ?, ?)", self._rows)  # a later bag knows better
        self._rows.clear()

"""A completion report against what the keys of the objects say."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from strongroom.catalogue.checks import CheckRow
from strongroom.core.checksums import Computed, parse_rows
from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError
from strongroom.core.events import utc_now
from strongroom.core.findings import Code, Finding
from strongroom.core.keys import StoreKey
from strongroom.core.outcomes import CheckOutcome
from strongroom.database import Database
from strongroom.usecases.audit.kinds import Kind, name_of

_NAMED: Final = 50  # objects without a checksum that are findings of their own
_AT_ONCE: Final = 5000
_TABLES: Final = """
CREATE TABLE asked (key TEXT PRIMARY KEY, size INTEGER NOT NULL, outcome TEXT, found TEXT, problem TEXT) WITHOUT ROWID;
"""


class Comparison:
    """What was asked about, in SQLite, and what became of it."""

    def __init__(self, path: Path, url: str, bucket: str, prefix: str) -> None:
        """`prefix`: what the keys of the store begin with in its `bucket`, "" or "a/b/"."""
        self._url, self._bucket, self._prefix = url, bucket, prefix
        self._db = Database(path, _TABLES)

    def close(self) -> None:
        self._db.close()

    def ask(self, listed: Path) -> None:
        """The objects of the list that the job was given: `bucket,key,size` lines."""
        with listed.open(encoding="utf-8", newline="") as lines, self._db.transaction() as db:
            for _, key, size in csv.reader(lines):
                db.execute("INSERT OR IGNORE INTO asked (key, size) VALUES (?, ?)", (unquote(key).removeprefix(self._prefix), int(size)))

    def take(self, file: Path, columns: Sequence[str]) -> None:
        """One result file. Raises InvalidValueError if it is none, and nothing of it is taken."""
        with file.open(encoding="utf-8", newline="") as lines, self._db.transaction() as db:
            for one in self._rows(lines, columns):
                key = one.key.removeprefix(self._prefix)
                known = db.execute("SELECT outcome FROM asked WHERE key = ?", (key,)).fetchone()
                if known is None or not one.key.startswith(self._prefix):
                    raise InvalidValueError(f"the report speaks of {one.key!r}, which was not asked about: it is of another job")
                if one.bucket != self._bucket:
                    raise InvalidValueError(f"the report speaks of {one.key!r} of another bucket, {one.bucket!r}: it is of another job")
                if known[0] is not None:
                    raise InvalidValueError(f"the report speaks twice of {one.key!r}, which was asked about once")
                outcome, found = self._judge(key, one)
                db.execute("UPDATE asked SET outcome = ?, found = ?, problem = ? WHERE key = ?", (outcome, found, one.problem, key))

    @staticmethod
    def _rows(lines: Iterable[str], columns: Sequence[str]) -> Iterator[Computed]:
        try:
            yield from parse_rows(csv.reader(lines), columns)
        except (csv.Error, UnicodeDecodeError) as error:
            raise InvalidValueError(f"is no table of results: {error}") from error

    def _judge(self, key: str, one: Computed) -> tuple[CheckOutcome, str | None]:
        name = name_of(StoreKey(key))
        if one.sha256 is None or name.digest is None:
            return CheckOutcome.UNREADABLE, None
        return CheckOutcome.SOUND if one.sha256 == name.digest else CheckOutcome.DAMAGED, one.sha256.hex

    def outcomes(self) -> Counter[CheckOutcome]:
        rows = self._db.rows("SELECT coalesce(outcome, 'unreadable'), count(*) FROM asked GROUP BY 1")
        return Counter({CheckOutcome(outcome): count for outcome, count in rows})

    def size(self) -> int:
        """Bytes of what was read."""
        return int(self._db.one("SELECT coalesce(sum(size), 0) FROM asked WHERE found IS NOT NULL"))

    def checks(self, seq: int) -> Iterator[list[CheckRow]]:
        """What is known now, some at a time: sound and damaged ones."""
        now = utc_now()
        rows = self._db.rows("SELECT key, outcome, size, found FROM asked WHERE found IS NOT NULL ORDER BY key")
        while some := list(islice(rows, _AT_ONCE)):
            yield [CheckRow(StoreKey(key), seq, CheckOutcome(outcome), now, size, _expected(key), found)
                   for key, outcome, size, found in some]

    def say(self, job: str, add: Callable[[Finding], None]) -> list[str]:
        """Findings; the keys of what is damaged."""
        damaged = []
        for key, found in self._db.rows("SELECT key, found FROM asked WHERE outcome = 'damaged' ORDER BY key"):
            damaged.append(key)
            code = Code.CONTENT_DAMAGED if name_of(StoreKey(key)).kind is Kind.CONTENT else Code.PACK_DAMAGED
            add(Finding(code, f"{self._url}: {key}", f"should have SHA-256 {_expected(key)}, and the provider computed {found} (job {job}, "
                        "one look). `strongroom repair` brings it back if another store has it sound"))
        left = int(self._db.one("SELECT count(*) FROM asked WHERE found IS NULL"))
        for key, problem in self._db.rows("SELECT key, problem FROM asked WHERE found IS NULL ORDER BY key LIMIT ?", _NAMED):
            why = problem or "the report does not name it"
            what = f"the provider computed no checksum (job {job}): {why}. Nothing is known of its bytes"
            add(Finding(Code.UNREADABLE, f"{self._url}: {key}", what))
        if left > _NAMED:
            add(Finding(Code.UNREADABLE, self._url, f"and no checksum of {left - _NAMED:,} more objects (job {job})"))
        return damaged


def _expected(key: str) -> str | None:
    digest: Digest | None = name_of(StoreKey(key)).digest
    return None if digest is None else digest.hex

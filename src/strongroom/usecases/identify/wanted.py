"""Which contents of a bag are to be identified, and what the bag is made of once they are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from strongroom.catalogue import Catalogue
from strongroom.catalogue.formats import FormatTotal, note_bag_formats
from strongroom.catalogue.slices import verdicts_about
from strongroom.core.formats import Format, extension_of
from strongroom.database import attached, transaction
from strongroom.usecases.restore.plan import Plan
from strongroom.usecases.sealed.bag import SealedBag
from strongroom.usecases.withheld.tombstones import Withheld

_AT_ONCE: Final = 5000
_CONTENTS: Final = "SELECT DISTINCT sha256 FROM payload"
_TABLE: Final = """
CREATE TABLE payload (sha256 BLOB NOT NULL, extension TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, files INTEGER NOT NULL,
  PRIMARY KEY (sha256, extension)) WITHOUT ROWID;
"""
_ADD: Final = ("INSERT INTO payload VALUES (?, ?, ?, ?, 1) ON CONFLICT (sha256, extension) DO UPDATE SET files = files + 1")
_VERDICT: Final = ("LEFT JOIN cat.formats f ON f.sha256 = p.sha256 AND f.extension = p.extension "
                   "LEFT JOIN cat.verdicts v ON v.number = f.verdict")


class Payload:
    """The contents of one bag with the extensions they have, in a plan. What is withheld is none of it."""

    def __init__(self, plan: Plan, catalogue: Catalogue, bag: SealedBag, withheld: Withheld) -> None:
        self._plan, self._catalogue, self._bag = plan, catalogue, bag
        plan.db.executescript(_TABLE)
        rows = self._rows(withheld)
        while some := list(islice(rows, _AT_ONCE)):
            with plan.transaction():
                plan.db.executemany(_ADD, some)

    def want(self, signatures: str) -> int:
        """Put into the plan what these signatures did not judge yet; how many files are known."""
        with attached(self._plan.db, self._catalogue.path, "cat", verdicts_about(_CONTENTS)) as db:
            wanted = f"FROM payload p {_VERDICT} WHERE coalesce(v.signatures, '') != ?"
            with transaction(db, "DEFERRED"):
                db.execute(f"INSERT OR IGNORE INTO content (sha, size) SELECT p.sha256, p.size {wanted} ORDER BY p.path", (signatures,))
                db.execute(
                    "INSERT INTO file (content, path, target) SELECT c.id, p.path, CAST(p.path AS BLOB) "
                    "FROM (SELECT p.* " + wanted + ") p JOIN content c ON c.sha = p.sha256 ORDER BY p.path", (signatures,))
            every = db.execute("SELECT coalesce(sum(files), 0) FROM payload").fetchone()[0]
            left = db.execute(f"SELECT coalesce(sum(p.files), 0) {wanted}", (signatures,)).fetchone()[0]
        return int(every - left)

    def note(self) -> tuple[FormatTotal, ...]:
        """What the bag is made of, by all that is known now; the catalogue remembers it."""
        with attached(self._plan.db, self._catalogue.path, "cat", verdicts_about(_CONTENTS)) as db:
            rows = db.execute(
                "SELECT sum(p.files), sum(p.files * p.size), v.mime, v.puid, v.name, v.version, v.basis, v.flags, v.signatures "  # noqa: S608
                f"FROM payload p {_VERDICT} WHERE v.number IS NOT NULL GROUP BY v.number").fetchall()
        totals = tuple(FormatTotal(Format(*row), files, size) for files, size, *row in rows)
        note_bag_formats(self._catalogue, self._bag.digest, totals)
        return totals

    def _rows(self, withheld: Withheld) -> Iterator[tuple[bytes, str, str, int]]:
        for entry, detail in self._bag.described():
            if len(withheld) and entry.digest.raw in withheld:
                continue
            size = detail.get("size")
            yield entry.digest.raw, extension_of(entry.path), entry.path, size if type(size) is int else 0

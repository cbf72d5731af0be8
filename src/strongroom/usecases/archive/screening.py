"""The virus scans of one archive run: what they found is left out of the bag and held, and what is said of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from strongroom.catalogue import Catalogue
from strongroom.catalogue.scans import record_scans
from strongroom.catalogue.slices import scans_of
from strongroom.core.events import Event, EventType, Outcome
from strongroom.core.findings import Code, Finding
from strongroom.core.plural import plural
from strongroom.core.scans import CLEAN, INFECTED, Scan
from strongroom.database import Where
from strongroom.scanning.open import open_scanner
from strongroom.usecases.archive.formats import Examples
from strongroom.usecases.archive.scanning import ScanJob
from strongroom.usecases.archive.spool import CONTENTS, Spool
from strongroom.usecases.quarantine.holding import Held, Holding

REASON: Final = "quarantined"
_EVENTS: Final = 1000  # of single contents in one run


class Screening:
    """Made before anything is read. Raises ScannerError if the scanner does not answer."""

    def __init__(self, scanner: str, home: Path, collection: str, scratch: Path) -> None:
        self._collection = collection
        self._holding = Holding(home)
        self._released = self._holding.released()
        signatures = open_scanner(scanner, scratch).signatures()
        self.job = ScanJob(scanner, signatures, frozenset(self._released), home)
        self._scanned = 0
        self._found: dict[bytes, Scan] = {}  # held for the first time in this run

    def take(self, catalogue: Catalogue, rows: Sequence[tuple[bytes, Scan]]) -> None:
        """What a batch found."""
        record_scans(catalogue, self.job.signatures, rows)
        self._scanned += len(rows)

    def leave_out(self, spool: Spool, catalogue: Where, found: Callable[[Finding], None]) -> int:
        """Take every file that was read, and whose content is to be held, out of the payload; how many. May be called again."""
        with spool.with_catalogue(catalogue, scans_of(CONTENTS)) as db:
            rows = db.execute(
                "SELECT f.id, f.path, f.name, f.sha256, s.detail FROM files f JOIN cat.scans s ON s.sha256 = f.sha256 "
                "WHERE f.read = 1 AND s.outcome = ? AND s.signatures = ? ORDER BY f.path",
                (INFECTED, self.job.signatures),
            ).fetchall()
        held: dict[bytes, list[tuple[str, str]]] = {}
        with spool.transaction() as db:
            for number, path, name, sha256, detail in rows:
                if sha256 in self._released:
                    continue
                held.setdefault(sha256, []).append((self._collection, path))
                db.execute("INSERT OR REPLACE INTO structure (path, kind, reason, name) VALUES (?, 'excluded', ?, ?)", (path, REASON, name))
                db.execute("DELETE FROM names WHERE path = ?", (path,))
                db.execute("DELETE FROM files WHERE id = ?", (number,))
                found(Finding(Code.VIRUS_FOUND, path, f"{detail} was found in it, so it was left out of the bag; {_remedy(sha256)}"))
        details = {row[3]: row[4] for row in rows}
        for sha256, files in held.items():
            if self._holding.describe(sha256, details[sha256], self.job.signatures, files):
                self._found[sha256] = Scan(INFECTED, details[sha256])
        return sum(map(len, held.values()))

    def findings(self, spool: Spool, catalogue: Where) -> Iterable[Finding]:
        """What the bag holds although no scanner looked into it, or one found something."""
        unseen: dict[str, Examples] = {}
        with spool.with_catalogue(catalogue, scans_of(CONTENTS)) as db:
            for path, sha256, outcome, detail in db.execute(
                "SELECT f.path, f.sha256, s.outcome, s.detail FROM files f JOIN cat.scans s ON s.sha256 = f.sha256 "
                "WHERE s.outcome != ? ORDER BY f.path", (CLEAN,),
            ):
                if outcome != INFECTED:
                    unseen.setdefault(f"{outcome} ({detail})" if detail else outcome, Examples()).add(path)
                elif sha256 in self._released:
                    why = self._released[sha256].reason
                    yield Finding(Code.VIRUS_RELEASED, path, f"{detail} was found in it; it is taken in, for it was released: {why}")
        for why, files in unseen.items():
            count = plural(files.count, "file was", "files were")
            yield Finding(Code.NOT_SCANNED, files.first[0][0], f"{count} not scanned, {why}: {files}")

    def events(self, spool: Spool, catalogue: Where, what: Sequence[str], who: Sequence[str]) -> list[Event]:
        """The virus check of the whole payload, and each content that was held or let go."""
        counts: Counter[str] = Counter()
        let_go: dict[bytes, Held] = {}
        with spool.with_catalogue(catalogue, scans_of(CONTENTS)) as db:
            for sha256, outcome, files in db.execute(
                "SELECT f.sha256, coalesce(s.outcome, ''), count(*) FROM files f LEFT JOIN cat.scans s ON s.sha256 = f.sha256 "
                "GROUP BY f.sha256 ORDER BY f.sha256"
            ):
                counts[outcome] += files
                if outcome == INFECTED and sha256 in self._released and len(let_go) < _EVENTS:
                    let_go[sha256] = self._released[sha256]
        unseen = sum(counts.values()) - counts[CLEAN] - counts[INFECTED]
        note = (f"{plural(counts[CLEAN], 'file')} clean, {counts[INFECTED]} with something found and released, {unseen} not scanned; "
                f"{plural(len(self._found), 'content')} newly quarantined")
        outcome = Outcome.FAIL if self._found else Outcome.WARNING if unseen or counts[INFECTED] else Outcome.SUCCESS
        detail = f"{plural(self._scanned, 'content')} scanned in this run by {self.job.signatures}, each once"
        return [Event(EventType.VIRUS_CHECK, detail, what, outcome, note, who), *self.held_events(who), *(
            Event(EventType.UNQUARANTINE, f"released although {held.found} was found by {held.signatures}: {held.reason}",
                  (*what, f"sha256:{sha256.hex()}"), agents=(*who, *held.agents))
            for sha256, held in let_go.items()
        )]

    def held_events(self, who: Sequence[str]) -> list[Event]:
        """The contents that this run was the first to hold. They name no bag: they are in none."""
        return [
            Event(EventType.QUARANTINE, f"{scan.detail} found by {self.job.signatures}; held outside every store",
                  (f"sha256:{sha256.hex()}",), Outcome.FAIL, agents=who)
            for sha256, scan in list(self._found.items())[:_EVENTS]
        ]


def _remedy(sha256: bytes) -> str:
    return (f"a copy is held in STRONGROOM_HOME/quarantine. Remove it from the source, or, if it is harmless: "
            f"strongroom quarantine --release {sha256.hex()} --reason WHY")

"""What is said of an archive run: its report, the counts in its events, and the findings that concern many files at once."""

from __future__ import annotations

from collections import Counter
from typing import Final

from strongroom.collections.model import CollectionManifest
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId
from strongroom.core.sizes import human_size
from strongroom.database import Where
from strongroom.metadata import ValidationResult
from strongroom.usecases.archive.contents import Contents
from strongroom.usecases.archive.destination import Destination
from strongroom.usecases.archive.formats import failed_finding
from strongroom.usecases.archive.happened import Counts
from strongroom.usecases.archive.report import ArchiveReport
from strongroom.usecases.archive.spool import Spool
from strongroom.usecases.archive.stages import Stages
from strongroom.usecases.archive.tagfiles import Payload
from strongroom.usecases.sealed.collector import Collector

_REFUSED: Final = "no bag was made, because the collection manifest says `refuse`; correct what is named above and run this again"


class Telling:
    """Looks at the other parts of a run and changes none of them, but for the findings."""

    def __init__(
        self, manifest: CollectionManifest, destination: Destination, spool: Spool, records: ValidationResult, contents: Contents,
        stages: Stages, findings: Collector,
    ) -> None:
        self._manifest, self._destination, self._spool, self._records = manifest, destination, spool, records
        self._contents, self._stages, self._findings = contents, stages, findings

    def read_files(self) -> int:
        """How many files were read, and not known from a run before."""
        return int(self._spool.one("SELECT count(*) FROM files WHERE read = 1"))

    def find(self, payload: Payload, catalogue: Where) -> None:
        """Add what names, formats and the virus scanner give occasion to say."""
        self._findings.extend(payload.findings)
        if self._contents.screening is not None:
            self._findings.extend(self._contents.screening.findings(self._spool, catalogue))
        if self._contents.failed.count:
            self._findings.add(failed_finding(self._contents.failed))

    def find_short_space(self) -> None:
        """Before anything is read: what will be may be stored already, but need not be."""
        size, free = self._spool.unread()[1], self._destination.store.free_bytes()
        if free is not None and free < size:
            short = f"has {human_size(free)} free, and as much as {human_size(size)} may be needed"
            self._findings.add(Finding(Code.STORE_LIMIT, self._destination.store.url, short))

    def counts(self, files: int, size: int, payload: Payload) -> Counts:
        """For the events of a bag of so many files and bytes."""
        done = self._contents.done
        return Counts(files, size, self.read_files(), done.new_contents, done.stored_bytes, self._records.records, self._records.invalid,
                      done.verified, done.identified, payload.formats)

    def report(self, outcome: str, bag: BagId | None) -> ArchiveReport:
        spool, done = self._spool, self._contents.done
        files, size = spool.totals()
        distinct = spool.one("SELECT count(DISTINCT sha256) FROM files")
        excluded = Counter(dict(spool.db.execute("SELECT reason, count(*) FROM structure WHERE kind = 'excluded' GROUP BY reason")))
        return ArchiveReport(
            self._manifest.name, outcome, None if bag is None else str(bag), self._destination.store.url, files, size, self.read_files(),
            done.read_bytes, done.new_contents, done.stored_bytes, files - spool.unread()[0] - distinct, dict(excluded),
            self._records.records, self._records.invalid, done.verified, self._findings.findings(), dict(self._stages.seconds),
            (_REFUSED,) if outcome == "refused" else self._destination.notes,
        )

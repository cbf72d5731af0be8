"""Virus scans of a batch's contents, in a worker: nothing is packed whose verdict is not known."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from strongroom.core.errors import InvalidValueError
from strongroom.core.scans import INFECTED, Scan
from strongroom.database import Db
from strongroom.scanning.open import open_scanner
from strongroom.sources.reading import SourceReadError
from strongroom.usecases.archive.claims import Claims
from strongroom.usecases.given import GIVEN
from strongroom.usecases.quarantine.holding import Holding

_KNOWN: Final = (
    GIVEN + "SELECT s.sha256, s.outcome, s.detail FROM given g JOIN scans s ON s.sha256 = g.sha256 "  # noqa: S608 -- constants
    "WHERE s.signatures = ?2 AND s.outcome != 'refused'"  # what a scanner refused for reasons of the moment is asked again
)


@dataclass(frozen=True, slots=True)
class ScanJob:
    """Which scanner, its signatures when the run began, what a person released, and where the rest is held."""

    scanner: str
    signatures: str
    released: frozenset[bytes]
    home: Path


class Screen:
    """One batch's scans. `rows`: what was found in it."""

    def __init__(self, job: ScanJob, catalogue: Db, claims: Claims, scratch: Path) -> None:
        self._job, self._catalogue, self._claims = job, catalogue, claims
        self._scanner = open_scanner(job.scanner, scratch)
        self._holding = Holding(job.home)
        self.rows: list[tuple[bytes, Scan]] = []

    def barred(self, contents: Mapping[bytes, bytes], new: set[bytes]) -> set[bytes]:
        """Those of the contents that must not be stored. `new`: those that this batch is about to store, which are scanned in any case;
        of the others each is scanned by one batch."""
        verdicts = self._known(contents)
        wanted = self._wanted(contents.keys() - verdicts.keys(), new)
        found = self._scanner.scan({sha256: contents[sha256] for sha256 in wanted}) if wanted else {}
        self.rows += found.items()
        infected = self._infected(verdicts | found)
        for sha256 in infected:
            self._holding.put(sha256, (contents[sha256],))
        return infected

    def bars(self, sha256: bytes, chunks: Callable[[], Iterable[bytes]], *, new: bool) -> bool:
        """The same for a content that is too large for memory. Raises SourceReadError if its bytes are others when they are read again."""
        verdicts = self._known([sha256])
        if not verdicts and self._wanted({sha256}, {sha256} if new else set()):
            verdicts = {sha256: self._scanner.scan_stream(_verified(sha256, chunks()))}
            self.rows += verdicts.items()
        infected = self._infected(verdicts)
        try:
            for one in infected:
                self._holding.put(one, chunks())
        except InvalidValueError as error:
            raise SourceReadError("changing", "gave other bytes when it was read again") from error
        return bool(infected)

    def _known(self, contents: Iterable[bytes]) -> dict[bytes, Scan]:
        given = b"".join(contents)
        rows = self._catalogue.execute(_KNOWN, (given, self._job.signatures)) if given else ()
        return {sha256: Scan(outcome, detail) for sha256, outcome, detail in rows}

    def _wanted(self, unknown: set[bytes], new: set[bytes]) -> set[bytes]:
        others = {hashlib.sha256(b"scan" + sha256).digest(): sha256 for sha256 in unknown - new}
        return (unknown & new) | {others[key] for key in self._claims.claim(others)}

    def _infected(self, verdicts: Mapping[bytes, Scan]) -> set[bytes]:
        return {sha256 for sha256, scan in verdicts.items() if scan.outcome == INFECTED} - self._job.released


def _verified(sha256: bytes, chunks: Iterable[bytes]) -> Iterator[bytes]:
    hashing = hashlib.sha256()
    for chunk in chunks:
        hashing.update(chunk)
        yield chunk
    if hashing.digest() != sha256:
        raise SourceReadError("changing", "gave other bytes when it was read again")

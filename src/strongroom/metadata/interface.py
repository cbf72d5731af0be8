"""What validation takes and gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from strongroom.core.findings import Finding
from strongroom.metadata.scratch import Scratch


class PathSet(Protocol):
    """The payload paths of the bag to be ("data/a/b.html"), however many: not held in memory."""

    def __contains__(self, payload_path: str, /) -> bool: ...
    def __iter__(self) -> Iterator[str]:
        """Sorted by the bytes of the path."""

    def __len__(self) -> int: ...


class SuppliedChecksum(NamedTuple):
    """A checksum that came with the files, to be compared with what was read."""

    path: str  # payload path, of a file that exists
    algorithm: str  # "md5"
    hex: str  # lower case, of the algorithm's length
    place: str  # where it stands: "checksum.md5, line 3"


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """What is known about the records. Files named here lie in the scratch folder and live as long as it does."""

    records: int
    invalid: int
    findings: tuple[Finding, ...]  # the first thousands of errors and of others; `report` has all
    omitted: int  # findings that are only in the report
    report: Path  # validation.json, valid against schemas/validation-report.schema.json
    tag_files: tuple[tuple[str, Path], ...]  # ("metadata/records/metadata.csv", file with its bytes), …
    refused: bool  # `on_invalid: refuse`, and something is invalid: make no bag
    database: Path

    def held(self) -> Iterator[str]:
        """The payload paths to leave out, sorted."""
        with Scratch.reading(self.database) as scratch:
            yield from scratch.held()

    def checksums(self) -> Iterator[SuppliedChecksum]:
        """Supplied checksums of payload files, sorted by path."""
        with Scratch.reading(self.database) as scratch:
            yield from map(SuppliedChecksum._make, scratch.checksums())

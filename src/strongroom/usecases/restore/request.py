"""What is asked of a restore, and what it answers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strongroom.core import canonical
from strongroom.core.digests import Digest
from strongroom.core.findings import Finding, has_errors


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """NAME or NAME/vN to DEST.

    `paths` (globs) and `into` imply `payload_only`: part of a bag is not a bag, and what is put back into a folder is its files.
    """

    name: str
    dest: Path
    version: int | None = None  # None: the latest
    payload_only: bool = False
    paths: tuple[str, ...] = ()
    source: str | None = None  # URL of the store to read from first
    into: bool = False
    seal: Digest | None = None  # which bag, where a label is forked

    @property
    def whole(self) -> bool:
        """Whether the result is a BagIt bag."""
        return not (self.payload_only or self.paths or self.into)

    def identity(self, seal: Digest) -> str:
        """16 hexadecimal digits that are the same for the same request about the same bag, so that only its own rerun resumes it."""
        value = {"seal": seal.hex, "whole": self.whole, "paths": sorted(self.paths), "into": self.into}
        return hashlib.sha256(canonical.dumps(value)).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """How a restore ended. `complete`: everything asked for lies at `result`. Otherwise `result` is where the rest was put, or None."""

    bag: str
    seal: str
    dest: str
    complete: bool
    result: str | None
    files: int  # asked for
    written: int
    present: int  # were there already, and sound
    different: int  # were left alone because something else stands in their place
    lost: int  # could not be had, or not be written
    withheld: int  # taken down on purpose, and left out: a bag without them is incomplete
    bytes: int  # of all files asked for
    folders: int
    links: int
    stores: tuple[str, ...]  # that were read from
    findings: tuple[Finding, ...]

    @property
    def exit_status(self) -> int:
        return 1 if has_errors(self.findings) else 0

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/restore-report.schema.json."""
        return {
            "format": "strongroom-restore-report/1", "bag": self.bag, "seal": self.seal, "destination": self.dest,
            "complete": self.complete, "result": self.result, "files": self.files, "written": self.written, "present": self.present,
            "different": self.different, "lost": self.lost,
            "withheld": self.withheld,
            "bytes": self.bytes, "folders": self.folders, "links": self.links, "stores": list(self.stores),
            "findings": [finding.to_json() for finding in self.findings],
        }

    def summary(self) -> list[str]:
        """Lines for people."""
        counts = f"{self.files} files, {self.bytes} bytes: {self.written} written, {self.present} already there"
        if self.different:
            counts += f", {self.different} left alone because they differ"
        if self.lost:
            counts += f", {self.lost} lost"
        if self.withheld:
            counts += f", {self.withheld} withheld and left out, so that what was restored is an incomplete bag"
        if self.complete:
            return [f"{self.bag} is restored to {self.result}", counts]
        if self.result is None:
            return [f"{self.bag} was not restored", counts]
        return [f"{self.bag} could not be restored whole; what could be had lies in {self.result}", counts]

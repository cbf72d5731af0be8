"""What is asked of an export, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from strongroom.core.digests import Digest
from strongroom.core.findings import Finding, has_errors
from strongroom.core.plural import plural
from strongroom.core.sizes import human_size

FORMS: Final = ("tar", "zip", "dir", "ocfl")


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """NAME or NAME/vN to DEST. `form` is one of FORMS; for "ocfl" every version of the collection is exported."""

    name: str
    dest: Path
    form: str
    version: int | None = None  # None: the latest
    profile: Path | None = None
    ro_crate: bool = False
    premis: bool = False
    ocfl_root: bool = False  # make a storage root at `dest`
    source: str | None = None  # URL of the store to read from first
    seals: tuple[Digest, ...] = ()  # which bags, where labels are forked


@dataclass(frozen=True, slots=True)
class ExportReport:
    """How an export ended. `result` is None where nothing was made."""

    bags: tuple[tuple[str, str], ...]  # label and seal
    form: str
    dest: str
    result: str | None
    unchanged: bool  # the bag is as it was sealed, tag files and all
    files: int  # payload files
    bytes: int
    sha256: str | None  # of a tar or zip
    profile: str | None  # identifier
    stores: tuple[str, ...]  # that were read from
    findings: tuple[Finding, ...]

    @property
    def exit_status(self) -> int:
        return 1 if has_errors(self.findings) else 0

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/export-report.schema.json."""
        return {
            "format": "strongroom-export-report/1", "bags": [{"bag": bag, "seal": seal} for bag, seal in self.bags], "as": self.form,
            "destination": self.dest, "result": self.result, "unchanged": self.unchanged, "files": self.files, "bytes": self.bytes,
            "sha256": self.sha256, "profile": self.profile, "stores": list(self.stores),
            "findings": [finding.to_json() for finding in self.findings],
        }

    def summary(self) -> list[str]:
        """Lines for people."""
        names = ", ".join(bag for bag, _ in self.bags)
        if self.result is None:
            return [f"{names} {'was' if len(self.bags) == 1 else 'were'} not exported: nothing was written to {self.dest}"]
        how = "as sealed" if self.unchanged else "as a new bag that holds the proof of the sealed one"
        if self.form == "ocfl":
            how = "as an OCFL object"
        verb = "is" if len(self.bags) == 1 else "are"
        lines = [f"{names} {verb} exported to {self.result}, {how}", f"{plural(self.files, 'file')}, {human_size(self.bytes)}"]
        if self.sha256:
            lines.append(f"SHA-256 {self.sha256}")
        return lines

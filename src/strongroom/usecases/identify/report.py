"""What a run of `identify` says in the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from strongroom.core.findings import Finding, exit_status
from strongroom.core.plural import plural


@dataclass(frozen=True, slots=True)
class IdentifyReport:
    """The outcome of one run. `changes`: what formats were taken for before and are now, and how many contents; most first."""

    bags: int  # that were gone through
    signatures: str  # what judged
    contents: int  # identified in this run
    known: int  # files whose contents these signatures had judged before
    bytes: int  # read
    changes: tuple[tuple[str, str, int], ...]
    findings: tuple[Finding, ...]
    unreachable: bool = False

    @property
    def exit_status(self) -> int:
        return exit_status(self.findings, undone=self.unreachable)

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/identify-report.schema.json."""
        return {
            "format": "strongroom-identify-report/1", "bags": self.bags, "signatures": self.signatures, "contents": self.contents,
            "known_files": self.known, "bytes": self.bytes,
            "changes": [{"from": old, "to": new, "contents": count} for old, new, count in self.changes],
            "findings": [finding.to_json() for finding in self.findings],
        }

    def summary(self) -> list[str]:
        """The lines a person reads."""
        done = f"{plural(self.contents, 'content')} identified, {plural(self.known, 'file was', 'files were')} known"
        lines = [f"{plural(self.bags, 'bag')}: {done}; by {self.signatures}"]
        return lines + [f"{plural(count, 'content')}: {old}, now {new}" for old, new, count in self.changes]

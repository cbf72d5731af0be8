"""What came of an import."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from strongroom.core.findings import Finding, has_errors
from strongroom.core.plural import plural
from strongroom.core.sizes import human_size
from strongroom.usecases.archive.report import ArchiveReport


@dataclass(slots=True)
class ImportedBag:
    """One bag. `outcome`: sealed, unchanged (imported before as it is), refused (the bag's fault), failed (ours, or the store's)."""

    path: str  # as given
    form: str = "folder"
    sha256: str | None = None  # of the file as received
    size: int | None = None  # of the file, in bytes
    outcome: str = "refused"
    bagit: str | None = None  # its version
    algorithms: tuple[str, ...] = ()  # of its payload manifests, each compared
    files: int = 0
    bytes: int = 0
    origin: str | None = None  # the bag of Strongroom's making that it says it is
    archived: ArchiveReport | None = None
    findings: tuple[Finding, ...] = ()
    status: int = 0  # exit status of a failure

    @property
    def exit_status(self) -> int:
        if self.outcome == "refused" or has_errors(self.findings):
            return self.status if self.outcome == "failed" else 1
        return self.status or (self.archived.exit_status if self.archived else 0)

    def to_json(self) -> dict[str, Any]:
        archived = self.archived
        return {
            "path": self.path, "form": self.form, "sha256": self.sha256, "size": self.size, "outcome": self.outcome, "bagit": self.bagit,
            "algorithms": list(self.algorithms), "payload": {"files": self.files, "bytes": self.bytes}, "origin": self.origin,
            "collection": archived.collection if archived else None, "bag": archived.bag if archived else None,
            "stored_bytes": archived.stored_bytes if archived else 0, "findings": [finding.to_json() for finding in self.findings],
        }

    def line(self) -> str:
        """One line for a person."""
        if self.outcome in ("sealed", "unchanged"):
            became = f"{self.archived.bag if self.archived else ''}"
            how = "sealed" if self.outcome == "sealed" else "is there already, unchanged"
            return f"{self.path}: {became} {how}; {plural(self.files, 'file')}, {human_size(self.bytes)}"
        errors = [finding for finding in self.findings if finding.severity.value == "error"]
        return f"{self.path}: {self.outcome}, {plural(len(errors), 'error')}"


@dataclass(slots=True)
class ImportReport:
    bags: list[ImportedBag] = field(default_factory=list)

    def count(self, outcome: str) -> int:
        return sum(bag.outcome == outcome for bag in self.bags)

    @property
    def exit_status(self) -> int:
        """Refused bags and other findings (1) say more than a store that was out of reach (3)."""
        return min((bag.exit_status for bag in self.bags), key=(1, 3, 2, 0).index, default=0)

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/import-report.schema.json."""
        outcomes = ("sealed", "unchanged", "refused", "failed")
        return {
            "format": "strongroom-import-report/1", "counts": {outcome: self.count(outcome) for outcome in outcomes},
            "bags": [bag.to_json() for bag in self.bags],
        }

    def summary(self) -> list[str]:
        """What went wrong and the totals; each bag only if they are few."""
        few = len(self.bags) <= 20
        lines = [bag.line() for bag in self.bags if few or bag.outcome in ("refused", "failed")]
        counts = ", ".join(f"{self.count(one):,} {one}" for one in ("sealed", "unchanged", "refused", "failed") if self.count(one))
        return [*lines, f"{plural(len(self.bags), 'bag')}: {counts or 'nothing was done'}."]

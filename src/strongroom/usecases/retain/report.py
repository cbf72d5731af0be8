"""What is said of locks that were looked at and extended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from strongroom.core.findings import Finding, exit_status
from strongroom.core.plural import plural
from strongroom.core.retention import Retention


@dataclass(frozen=True, slots=True)
class StoreRetention:
    """One store with a policy. Counts are of objects."""

    store: str  # URL
    retention: Retention
    kept: int  # for long enough
    extended: int
    short: int  # that would be extended, in a dry run
    refused: int
    left: int  # to run out: withheld, or condemned by a sweep
    earliest: str | None  # UTC, when the first of those that bags need is free

    def to_json(self) -> dict[str, Any]:
        return {
            "store": self.store, "mode": self.retention.mode, "days": self.retention.days, "kept": self.kept, "extended": self.extended,
            "short": self.short, "refused": self.refused, "left": self.left, "earliest": self.earliest,
        }

    def lines(self, *, dry_run: bool) -> list[str]:
        objects = self.kept + self.extended + self.short + self.refused
        done = f"{self.short:,} would be extended" if dry_run else f"{self.extended:,} extended"
        lines = [f"{self.store}: {self.retention}: {plural(objects, 'object')}, {done}, {self.kept:,} kept for long enough"]
        if self.refused:
            lines.append(f"  {plural(self.refused, 'object')} could not be extended")
        if self.left:
            lines.append(f"  {plural(self.left, 'object')} left to run out: withheld, or condemned by a sweep")
        if self.earliest:
            lines.append(f"  the first of them could be removed after {self.earliest}")
        return lines


@dataclass(frozen=True, slots=True)
class RetainReport:
    stores: tuple[StoreRetention, ...]
    findings: tuple[Finding, ...]
    dry_run: bool = False
    unreachable: bool = False

    @property
    def exit_status(self) -> int:
        return exit_status(self.findings, undone=self.unreachable)

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/retain-report.schema.json."""
        return {
            "format": "strongroom-retain-report/1", "dry_run": self.dry_run, "stores": [one.to_json() for one in self.stores],
            "findings": [finding.to_json() for finding in self.findings],
        }

    def summary(self) -> list[str]:
        return [line for one in self.stores for line in one.lines(dry_run=self.dry_run)] or ["No store to look at: none has a `retention`."]

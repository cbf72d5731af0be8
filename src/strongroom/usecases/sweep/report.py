"""What a sweep says in the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strongroom.core.findings import Finding, exit_status
from strongroom.core.plural import plural
from strongroom.core.sizes import human_size


@dataclass(frozen=True, slots=True)
class StoreSweep:
    """One store. Sizes in bytes."""

    store: str  # URL
    condemned: Mapping[str, int]  # keys by the reason, newly condemned in this run (or that would be)
    condemned_bytes: int
    deleted: int  # keys, of this and earlier records
    deleted_bytes: int
    kept: int  # keys that were condemned and turned out to be needed
    stored_anew: int  # bytes of packs that took the place of others
    waits_for: tuple[str, ...]  # attempts that may yet become bags, NAME/vN/ATTEMPT
    locked: Mapping[str, str]  # until when, by key
    in_grace: int  # contents that are withheld, and not to be removed yet
    tidied: int  # temporaries and unfinished uploads

    def to_json(self) -> dict[str, Any]:
        return {
            "store": self.store, "condemned": dict(self.condemned), "condemned_bytes": self.condemned_bytes, "deleted": self.deleted,
            "deleted_bytes": self.deleted_bytes, "kept": self.kept, "stored_anew_bytes": self.stored_anew,
            "waits_for": list(self.waits_for), "locked": [{"key": key, "until": until} for key, until in sorted(self.locked.items())],
            "in_grace": self.in_grace, "tidied": self.tidied,
        }

    def lines(self, *, dry_run: bool) -> list[str]:
        """The lines a person reads."""
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(self.condemned.items()))
        verb = "would condemn" if dry_run else "condemned"
        found = f"{verb} {human_size(self.condemned_bytes)} ({reasons})" if reasons else "nothing new to condemn"
        lines = [f"{self.store}: {found}; {plural(self.deleted, 'object')} deleted ({human_size(self.deleted_bytes)})"]
        lines += [f"  waits for the attempt {one}" for one in self.waits_for]
        if self.locked:
            lines.append(f"  {plural(len(self.locked), 'object is', 'objects are')} locked, the last until {max(self.locked.values())}")
        if self.in_grace:
            lines.append(f"  {self.in_grace:,} withheld contents are still in their grace")
        if self.tidied:
            lines.append(f"  {self.tidied:,} temporaries and unfinished uploads removed")
        return lines


@dataclass(frozen=True, slots=True)
class SweepReport:
    """The outcome of one run over one or several stores."""

    stores: tuple[StoreSweep, ...]
    findings: tuple[Finding, ...]
    dry_run: bool
    unreachable: bool = False

    @property
    def exit_status(self) -> int:
        """1 for findings of severity error; 3 where a store did not answer, or what is condemned is still there: run it again."""
        return exit_status(self.findings, undone=self.unreachable or any(one.waits_for or one.locked for one in self.stores))

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/sweep-report.schema.json."""
        return {
            "format": "strongroom-sweep-report/1", "dry_run": self.dry_run, "stores": [one.to_json() for one in self.stores],
            "findings": [finding.to_json() for finding in self.findings],
        }

    def summary(self) -> list[str]:
        return [line for one in self.stores for line in one.lines(dry_run=self.dry_run)] or ["No store to sweep."]

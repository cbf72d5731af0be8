"""What an archive run says in the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from strongroom.core.findings import Finding, has_errors
from strongroom.core.plural import plural
from strongroom.core.sizes import human_size

if TYPE_CHECKING:
    from strongroom.usecases.replicate.report import ReplicateReport


@dataclass(frozen=True, slots=True)
class ArchiveReport:
    """The outcome of one run. Sizes in bytes, times in seconds."""

    collection: str
    outcome: str
    bag: str | None  # the bag sealed, or for "unchanged" the one that holds this state
    store: str  # URL
    files: int
    size: int
    read_files: int  # read in this run; the others were known unchanged
    read_bytes: int
    new_contents: int  # contents the store did not hold
    stored_bytes: int  # of packs and large contents written
    duplicates: int | None  # payload files whose content another one has; None: not known before files were read
    excluded: dict[str, int]  # by reason
    records: int
    invalid_records: int
    verified_objects: int  # packs and contents read back
    findings: tuple[Finding, ...]
    stages: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    replication: ReplicateReport | None = None  # to the other stores, in the same run

    @property
    def exit_status(self) -> int:
        after = 0 if self.replication is None else self.replication.exit_status
        return 1 if has_errors(self.findings) else after

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/archive-report.schema.json."""
        return {
            "format": "strongroom-archive-report/1",
            "collection": self.collection,
            "outcome": self.outcome,
            "bag": self.bag,
            "store": self.store,
            "payload": {"files": self.files, "bytes": self.size, "duplicates": self.duplicates},
            "read": {"files": self.read_files, "bytes": self.read_bytes},
            "stored": {"contents": self.new_contents, "bytes": self.stored_bytes},
            "excluded": self.excluded,
            "records": {"count": self.records, "invalid": self.invalid_records},
            "verified_objects": self.verified_objects,
            "findings": [finding.to_json() for finding in self.findings],
            "seconds": {name: round(seconds, 3) for name, seconds in self.stages.items()},
            "notes": list(self.notes),
            **({} if self.replication is None else {"replication": self.replication.to_json()}),
        }

    def summary(self) -> list[str]:
        """The lines a person reads."""
        lines = [
            self._headline(),
            f"  payload   {plural(self.files, 'file')}, {human_size(self.size)}"
            + ("" if self.duplicates is None else f", {self.duplicates:,} of them duplicates"),
        ]
        if self.outcome == "planned":
            size = human_size(self.read_bytes)
            lines.append(f"  to read   {plural(self.read_files, 'file')}; at most {size} of new space needed in {self.store}")
        else:
            lines.append(f"  read      {plural(self.read_files, 'file')}, {human_size(self.read_bytes)}")
            lines.append(f"  stored    {plural(self.new_contents, 'new content')}, {human_size(self.stored_bytes)} in {self.store}")
            objects = plural(self.verified_objects, "pack or large content", "packs and large contents")
            lines.append(f"  verified  {objects} read back from the medium")
        if self.records:
            lines.append(f"  metadata  {plural(self.records, 'record')}, {self.invalid_records:,} of them invalid")
        if self.excluded:
            lines.append("  left out  " + ", ".join(f"{count:,} {reason}" for reason, count in sorted(self.excluded.items())))
        lines += [f"  note      {note}" for note in self.notes]
        return lines + [f"  replica   {line}" for line in (self.replication.summary() if self.replication else ())]

    def _headline(self) -> str:
        return {
            "sealed": f"{self.bag} sealed.",
            "unchanged": f"{self.collection} is unchanged since {self.bag}; no new bag.",
            "refused": f"{self.collection}: refused, no bag was made.",
            "planned": f"{self.collection}: this is what an archive run would do.",
            "closed": f"{self.collection} is closed with {self.bag}; no new bag.",
        }[self.outcome]

    def markdown(self) -> str:
        """The same as a table, for a run's artifacts."""
        rows = [("collection", self.collection), ("outcome", self.outcome), ("bag", self.bag or "–"), ("files", f"{self.files:,}"),
                ("payload", human_size(self.size)), ("duplicates", "–" if self.duplicates is None else f"{self.duplicates:,}"),
                ("new contents", f"{self.new_contents:,}"),
                ("stored", human_size(self.stored_bytes)), ("records", f"{self.records:,} ({self.invalid_records:,} invalid)"),
                ("read back", f"{plural(self.verified_objects, 'object')}"), ("findings", f"{len(self.findings):,}")]
        table = "\n".join(f"| {name} | {value} |" for name, value in rows)
        shown = "\n".join(f"* `{str(finding).replace('`', chr(39))}`" for finding in self.findings[:50])
        return f"# {self._headline()}\n\n| | |\n|---|---|\n{table}\n\n{shown}\n"

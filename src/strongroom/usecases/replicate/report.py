"""What a replication says in the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from strongroom.core.findings import Finding, exit_status
from strongroom.core.plural import plural
from strongroom.core.sizes import human_size


@dataclass(frozen=True, slots=True)
class Line:
    """One collection in one store."""

    collection: str
    store: str  # URL, and the id of the store where the collection manifest says it
    attached: bool
    brought: tuple[str, ...]  # bags made whole there in this run
    present: int  # bags that were there already
    waiting: tuple[str, ...]  # bags it still lacks
    contents: int
    bytes: int  # written, of packs and large contents


@dataclass(frozen=True, slots=True)
class ReplicateReport:
    """The outcome of one run over some collections."""

    lines: tuple[Line, ...]
    findings: tuple[Finding, ...]
    unreachable: bool = False  # a store that should answer did not

    @property
    def exit_status(self) -> int:
        return exit_status(self.findings, undone=self.unreachable)

    @property
    def brought(self) -> int:
        """Bags that came to a store."""
        return sum(len(line.brought) for line in self.lines)

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/replicate-report.schema.json."""
        return {
            "format": "strongroom-replicate-report/1",
            "replicas": [
                {
                    "collection": line.collection, "store": line.store, "attached": line.attached, "brought": list(line.brought),
                    "present": line.present, "waiting": list(line.waiting), "contents": line.contents, "bytes": line.bytes,
                }
                for line in self.lines
            ],
            "findings": [finding.to_json() for finding in self.findings],
        }

    def summary(self) -> list[str]:
        """The lines a person reads."""
        return [_sentence(line) for line in self.lines] or ["No collection has bags to replicate."]


def _sentence(line: Line) -> str:
    waits = f"; {len(line.waiting)} wait: {', '.join(line.waiting[:3])}" if line.waiting else ""
    if not line.attached:
        return f"{line.collection}: {line.store} is not attached{waits}"
    if line.brought:
        size = human_size(line.bytes)
        return f"{line.collection}: {', '.join(line.brought)} brought to {line.store}, {plural(line.contents, 'content')}, {size}{waits}"
    nothing = "nothing was brought" if line.waiting else "nothing to bring"
    return f"{line.collection}: {line.store} has {plural(line.present, 'bag')}, {nothing}{waits}"

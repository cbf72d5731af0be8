"""What several runs come to, added up from the documents of their reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from strongroom.catalogue.runs import RunRow
from strongroom.core.plural import plural
from strongroom.core.sizes import human_size


@dataclass(slots=True)
class Totals:
    """Sizes in bytes."""

    outcomes: Counter[str] = field(default_factory=Counter)  # runs by how they ended
    made: list[str] = field(default_factory=list)  # bags
    brought: Counter[str] = field(default_factory=Counter)  # bags that came to a store, by its URL
    audits: int = 0
    checked: Counter[str] = field(default_factory=Counter)  # objects, by the outcome of their fixity check
    bytes_read: int = 0  # by audits
    repaired: int = 0  # objects
    lost: int = 0  # payload files without a sound copy within reach, by the repair that found the most
    withheld: int = 0  # contents
    lifted: int = 0  # contents that are not withheld any more
    findings: Counter[str] = field(default_factory=Counter)  # by severity

    def to_json(self) -> dict[str, Any]:
        return {
            "outcomes": dict(self.outcomes), "bags_made": self.made, "bags_brought": dict(self.brought), "audits": self.audits,
            "checked": dict(self.checked), "bytes_read": self.bytes_read, "repaired": self.repaired, "lost_files": self.lost,
            "withheld": self.withheld, "lifted": self.lifted, "findings": dict(self.findings),
        }

    def lines(self) -> Iterator[str]:
        yield "runs       " + (_list(self.outcomes) or "none")
        some = ", ".join(self.made[:10]) + (", …" if len(self.made) > 10 else "")
        yield f"bags made  {len(self.made):,}" + (f": {some}" if self.made else "")
        yield f"replicas   {plural(self.brought.total(), 'bag')} brought to other stores"
        checked = f"; {_list(self.checked)}" if self.checked.total() else ""
        yield f"audits     {self.audits:,}; {human_size(self.bytes_read)} read{checked}"
        lost = f"; {plural(self.lost, 'payload file has', 'payload files have')} no sound copy within reach" if self.lost else ""
        yield f"repairs    {plural(self.repaired, 'object')}{lost}"
        if self.withheld or self.lifted:
            yield f"withheld   {plural(self.withheld, 'content')}; {plural(self.lifted, 'is', 'are')} not withheld any more"
        yield "findings   " + (_list(self.findings) or "none")


def total(runs: Sequence[RunRow]) -> Totals:
    """The sum of what these runs said. A run whose document was too large to keep counts by its outcome and findings alone."""
    totals = Totals()
    for run in runs:
        totals.outcomes[run.outcome] += 1
        totals.findings.update(run.summary.get("counts", {}))
        for document in _documents(run.summary.get("report")):
            _ADD.get(document["format"], _nothing)(totals, document)
    return totals


def _documents(value: Any) -> Iterator[dict[str, Any]]:
    """Every report in a report: `due` holds several."""
    if isinstance(value, dict):
        if "format" in value:
            yield value
        for inner in value.values():
            yield from _documents(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _documents(inner)


def _archive(totals: Totals, document: dict[str, Any]) -> None:
    if document["outcome"] == "sealed":
        totals.made.append(document["bag"])


def _replicate(totals: Totals, document: dict[str, Any]) -> None:
    for line in document["replicas"]:
        totals.brought[line["store"]] += len(line["brought"])


def _audit(totals: Totals, document: dict[str, Any]) -> None:
    totals.audits += 1
    for store in document["stores"]:
        totals.checked.update(store["outcomes"])
        totals.bytes_read += store["bytes_read"]


def _repair(totals: Totals, document: dict[str, Any]) -> None:
    totals.repaired += sum(len(store["repaired"]) for store in document["stores"])
    totals.lost = max(totals.lost, document["lost_files"])


def _withhold(totals: Totals, document: dict[str, Any]) -> None:
    if document["done"] and document["action"] == "withhold":
        totals.withheld += document["contents"]
    elif document["done"]:
        totals.lifted += document["contents"]


def _nothing(totals: Totals, document: dict[str, Any]) -> None:
    """Nothing to add up."""


_ADD = {
    "strongroom-archive-report/1": _archive, "strongroom-replicate-report/1": _replicate, "strongroom-audit-report/1": _audit,
    "strongroom-repair-report/1": _repair, "strongroom-withhold-report/1": _withhold,
}


def _list(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)

"""What a verification of the log says in the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from strongroom.core.findings import Code, Finding, Severity, exit_status
from strongroom.core.plural import plural


@dataclass(slots=True)
class StoreRead:
    """One store. `problem`: why it was not read, or not to the end; such a store is a witness and is not judged."""

    url: str
    id: str | None
    problem: str | None = None
    writers: int = 0
    batches: int = 0  # objects of the log
    seals: int = 0
    bytes: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "url": self.url, "id": self.id, "problem": self.problem, "writers": self.writers, "batches": self.batches,
            "seals": self.seals, "bytes": self.bytes,
        }


@dataclass(frozen=True, slots=True)
class LogReport:
    """The outcome of one run over one or several stores."""

    stores: tuple[StoreRead, ...]
    findings: tuple[Finding, ...]

    @property
    def exit_status(self) -> int:
        """1 if something is altered, missing or put back; 3 if a store could not be read, unless 1 applies as well."""
        return exit_status(self.findings, Code.UNREACHABLE)

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/log-report.schema.json."""
        return {
            "format": "strongroom-log-report/1", "stores": [store.to_json() for store in self.stores],
            "findings": [finding.to_json() for finding in self.findings],
        }

    def summary(self) -> list[str]:
        """The lines a person reads."""
        errors = Counter(one.code.label for one in self.findings if one.severity is Severity.ERROR and one.code is not Code.UNREACHABLE)
        read = sum(store.problem is None for store in self.stores)
        if errors:
            said = ", ".join(f"{count:,} {label}" for label, count in sorted(errors.items()))
            lines = [f"Log: what is told of the past in {plural(len(self.stores), 'store')} does not agree: {said}."]
        elif read < len(self.stores):
            lines = [f"Log: nothing is wrong with the {read} read in {plural(len(self.stores), 'store')}."]
        else:
            lines = [f"Log: what {read} store{'s' * (read != 1)} tell{'s' * (read == 1)} of the past agrees."]
        for store in self.stores:
            batches = plural(store.batches, "batch", "batches")
            lines.append(f"  {store.url}: {batches} of {plural(store.writers, 'writer')}, {plural(store.seals, 'seal')}")
            lines += [f"    not read: {store.problem}"] * (store.problem is not None)
        if read == 1 and not errors:
            lines.append("  one store alone cannot show that its newest part was not cut off: name another one as well (--store)")
        return lines

    def markdown(self) -> str:
        shown = "\n".join(f"* `{str(finding).replace('`', chr(39))}`" for finding in self.findings[:50])
        return "# Log\n\n" + "\n".join(f"    {line}" for line in self.summary()) + f"\n\n{shown}\n"

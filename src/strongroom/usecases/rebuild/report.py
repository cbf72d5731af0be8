"""What a rebuild says in the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from strongroom.core.findings import Finding, has_errors
from strongroom.core.plural import plural
from strongroom.core.sizes import human_size


@dataclass(slots=True)
class StoreRebuilt:
    """What was learned from one store. Sizes in bytes."""

    url: str
    id: str
    bags: int = 0
    files: int = 0  # payload files of these bags
    packs: int = 0
    contents: int = 0  # large ones, objects of their own
    members: int = 0  # of packs
    bytes: int = 0  # of packs and large contents as stored
    log_batches: int = 0
    audits: int = 0
    checks: int = 0  # results of audits

    def to_json(self) -> dict[str, Any]:
        return {
            "url": self.url, "id": self.id, "bags": self.bags, "files": self.files, "packs": self.packs, "contents": self.contents,
            "members": self.members, "bytes": self.bytes, "log_batches": self.log_batches, "audits": self.audits, "checks": self.checks,
        }


@dataclass(frozen=True, slots=True)
class RebuildReport:
    catalogue: str  # path
    kept: str | None  # path of the catalogue that was there before
    deep: bool
    collections: int
    bags: int
    stores: tuple[StoreRebuilt, ...]
    findings: tuple[Finding, ...]

    @property
    def exit_status(self) -> int:
        return 1 if has_errors(self.findings) else 0

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/rebuild-report.schema.json."""
        return {
            "format": "strongroom-rebuild-report/1", "catalogue": self.catalogue, "kept": self.kept, "deep": self.deep,
            "collections": self.collections, "bags": self.bags, "stores": [store.to_json() for store in self.stores],
            "findings": [finding.to_json() for finding in self.findings],
        }

    def summary(self) -> list[str]:
        """The lines a person reads."""
        lines = [f"The catalogue was made again: {plural(self.bags, 'bag')} of {plural(self.collections, 'collection')}."]
        for store in self.stores:
            how = "read whole" if self.deep else "by their indexes"
            large = plural(store.contents, "large one")
            lines += [
                store.url,
                f"  bags      {store.bags:,} with {plural(store.files, 'file')}",
                f"  contents  {store.members:,} in {plural(store.packs, 'pack')} ({how}), {large}; {human_size(store.bytes)}",
                f"  history   {store.log_batches:,} log batches, {store.checks:,} results of {store.audits:,} audits",
            ]
        lines.append(f"  catalogue {self.catalogue}")
        if self.kept is not None:
            lines.append(f"  before    kept as {self.kept}; remove it when all is well")
        return lines

    def markdown(self) -> str:
        """The same for a run's artifacts."""
        shown = "\n".join(f"* `{str(finding).replace('`', chr(39))}`" for finding in self.findings[:50])
        return f"# {self.summary()[0]}\n\n" + "\n".join(f"    {line}" for line in self.summary()[1:]) + f"\n\n{shown}\n"

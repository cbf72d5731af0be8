"""How each collection stands: its bags, its last run, where its newest bag lies, which stores answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from strongroom.core.errors import StoreError
from strongroom.core.findings import Code, Finding, has_errors
from strongroom.usecases.context import Context
from strongroom.usecases.sealed.known import Known, known_bags


@dataclass(frozen=True, slots=True)
class StoreStatus:
    id: str
    url: str
    seen: str  # UTC, when it last answered before this
    reachable: bool
    problem: str | None  # why it is not
    bags: int


@dataclass(frozen=True, slots=True)
class CollectionStatus:
    name: str
    manifest: str | None
    last_archive: str | None  # UTC
    last_outcome: str | None
    versions: tuple[int, ...]
    latest: str | None  # NAME/vN
    files: int  # of the latest bag
    bytes: int
    stores: tuple[str, ...]  # ids, that hold the latest bag
    behind: tuple[str, ...]  # ids, that hold an earlier bag and not the latest


@dataclass(frozen=True, slots=True)
class StatusReport:
    collections: tuple[CollectionStatus, ...]
    stores: tuple[StoreStatus, ...]
    findings: tuple[Finding, ...]

    @property
    def exit_status(self) -> int:
        return 1 if has_errors(self.findings) else 0

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/status-report.schema.json."""
        return {
            "format": "strongroom-status-report/1",
            "collections": [
                {
                    "name": one.name, "manifest": one.manifest, "last_archive": one.last_archive, "last_outcome": one.last_outcome,
                    "versions": list(one.versions), "latest": one.latest, "files": one.files, "bytes": one.bytes,
                    "stores": list(one.stores), "behind": list(one.behind),
                }
                for one in self.collections
            ],
            "stores": [
                {"id": one.id, "url": one.url, "seen": one.seen, "reachable": one.reachable, "problem": one.problem, "bags": one.bags}
                for one in self.stores
            ],
            "findings": [finding.to_json() for finding in self.findings],
        }


def status(context: Context) -> StatusReport:
    """What the catalogue says, and whether each store answers now.

    A store that does not answer is a warning: a disk in a drawer is no trouble. That no store which holds a bag answers is one too, as
    long as a copy is known. A forked bag is an error, and so is a newest bag that lies in no store at all.
    """
    known = known_bags(context)
    findings: list[Finding] = []
    stores = tuple(_store(known, row.id, row.url, row.seen, findings) for row in known.stores)
    names = sorted({row.name for row in known.collections} | {row.bag.name for row in known.rows})
    collections = tuple(_collection(known, name, findings) for name in names)
    return StatusReport(collections, stores, tuple(findings))


def _store(known: Known, store_id: str, url: str, seen: str, findings: list[Finding]) -> StoreStatus:
    from strongroom.usecases.sealed.places import open_address  # noqa: PLC0415  nothing to open where nothing is known

    problem = None
    try:
        open_address(known.address(store_id, url), patient=False)
    except StoreError as error:
        problem = str(error)
        findings.append(Finding(Code.STORE_SKIPPED, url, problem))
    return StoreStatus(store_id, url, seen, problem is None, problem, sum(1 for row in known.rows if store_id in row.stores))


def _collection(known: Known, name: str, findings: list[Finding]) -> CollectionStatus:
    rows = [row for row in known.rows if row.bag.name == name]
    described = next((row for row in known.collections if row.name == name), None)
    versions = tuple(sorted({row.bag.version for row in rows}))
    for version in versions:
        seals = sorted(row.seal.hex for row in rows if row.bag.version == version)
        if len(seals) > 1:
            findings.append(Finding(Code.FORKED, f"{name}/v{version}", f"different bags were sealed under this label: {', '.join(seals)}"))
    latest = rows[-1] if rows else None
    here = latest.stores if latest else ()
    if latest is not None and not here:
        findings.append(Finding(Code.CONTENT_MISSING, str(latest.bag), "no store is known to hold this bag"))
    earlier = {store for row in rows for store in row.stores}
    return CollectionStatus(
        name, described.manifest if described else None, described.last_archive if described else None,
        described.last_outcome if described else None, versions, str(latest.bag) if latest else None, latest.files if latest else 0,
        latest.bytes if latest else 0, here, tuple(sorted(earlier - set(here))),
    )

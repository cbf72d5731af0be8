"""What status says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from strongroom.core.findings import Code, Finding, exit_status
from strongroom.core.plural import plural
from strongroom.core.retention import Retention
from strongroom.core.sizes import share_of


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """One store. Sizes in bytes, as far as the catalogue knows them."""

    id: str
    url: str
    seen: str  # UTC, when it last answered
    reachable: bool | None  # None: it was not asked
    problem: str | None  # why it is not
    bags: int
    last_audit: str | None  # UTC, end of the last audit by this installation
    unsound: int  # objects that were damaged or missing when last looked at
    unreadable: int  # objects that the store, which answered, could not give when last asked
    cold: int = 0  # objects that lay in a cold storage class when an audit last asked for them
    found: dict[str, Any] | None = None  # what it was found to do: "create_only", "checks_sha256", "notes", "at" (UTC); None: never asked
    storage_class: str | None = None  # of packs and large contents, as a collection manifest says
    retention: Retention | None = None  # how long objects are kept, as collection manifests say
    retained: str | None = None  # UTC, when all its locks were last looked at

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id, "url": self.url, "seen": self.seen, "reachable": self.reachable, "problem": self.problem, "bags": self.bags,
            "last_audit": self.last_audit, "unsound": self.unsound, "unreadable": self.unreadable, "cold": self.cold, "found": self.found,
            "storage_class": self.storage_class, "retained": self.retained,
            "retention": None if self.retention is None else {"mode": self.retention.mode, "days": self.retention.days},
        }

    def facts(self) -> Iterator[str]:
        """What it does, for people, a phrase each."""
        if self.storage_class:
            yield f"packs and large contents go to {self.storage_class}"
        if self.cold:
            yield f"{plural(self.cold, 'object')} cold when last asked for"
        if self.retention:
            yield f"every object is kept for {self.retention}, locks last looked at: {self.retained or 'never'}"
        if self.found is not None:
            yield "writes are create-only" if self.found["create_only"] else "existing objects can be replaced: for replicas only"
            yield "the server checks SHA-256" if self.found["checks_sha256"] else "SHA-256 is not checked by the server"
            yield from self.found["notes"]
            yield f"as found at {self.found['at']}"


@dataclass(frozen=True, slots=True)
class Replica:
    """One collection in one store. The figures about reading are the store's as a whole, against this collection's policy."""

    store: str  # URL
    id: str | None  # None: never seen
    offline: bool  # a disk that is usually not there
    seen: str | None  # UTC
    held: int  # bags of the collection
    lacking: tuple[str, ...]  # bags it does not have
    last_audit: str | None  # UTC, of the store or of this collection in it
    max_age_days: int
    bytes: int
    recent_bytes: int  # read within max_age_days
    never_bytes: int  # never read by an audit
    oldest: str | None  # UTC, since when that is unread which is unread longest
    overdue: tuple[str, ...]  # reasons

    @property
    def recent_share(self) -> float | None:
        """The share of the store's bytes read within the policy, 1 only if all were; None where the catalogue knows of no bytes."""
        return share_of(self.recent_bytes, self.bytes) if self.bytes else None

    def to_json(self) -> dict[str, Any]:
        return {
            "store": self.store, "id": self.id, "offline": self.offline, "seen": self.seen, "held": self.held,
            "lacking": list(self.lacking), "complete": not self.lacking, "last_audit": self.last_audit, "max_age_days": self.max_age_days,
            "bytes": self.bytes, "recent_bytes": self.recent_bytes, "recent_share": self.recent_share, "never_bytes": self.never_bytes,
            "oldest": self.oldest, "overdue": list(self.overdue),
        }


@dataclass(frozen=True, slots=True)
class CollectionStatus:
    name: str
    manifest: str | None
    mode: str | None  # None: its collection manifest cannot be read
    schedule: dict[str, str]  # "archive", "audit": cron expressions; "timezone"
    last_archive: str | None  # UTC, of the last run that sealed a bag or found that none was needed
    last_outcome: str | None
    versions: tuple[int, ...]
    latest: str | None  # NAME/vN
    files: int  # of the latest bag
    bytes: int
    stores: tuple[str, ...]  # ids, that hold the latest bag
    behind: tuple[str, ...]  # ids, that hold an earlier bag and not the latest
    replicas: tuple[Replica, ...]
    overdue: tuple[str, ...]  # reasons that concern no single store
    withheld: int = 0  # contents of its bags, as far as the catalogue knows

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name, "manifest": self.manifest, "mode": self.mode, "schedule": self.schedule,
            "last_archive": self.last_archive, "last_outcome": self.last_outcome, "versions": list(self.versions), "latest": self.latest,
            "files": self.files, "bytes": self.bytes, "stores": list(self.stores), "behind": list(self.behind),
            "replicas": [one.to_json() for one in self.replicas], "overdue": list(self.overdue), "withheld": self.withheld,
        }


@dataclass(frozen=True, slots=True)
class StatusReport:
    collections: tuple[CollectionStatus, ...]
    stores: tuple[StoreStatus, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()  # what cannot be known from here

    @property
    def exit_status(self) -> int:
        """1 if anything is overdue or damaged; else 3 if objects could not be read, or a store was asked and did not answer."""
        return exit_status(self.findings, Code.UNREACHABLE, Code.UNREADABLE)

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/status-report.schema.json."""
        return {
            "format": "strongroom-status-report/1",
            "collections": [one.to_json() for one in self.collections],
            "stores": [one.to_json() for one in self.stores],
            "findings": [finding.to_json() for finding in self.findings],
            "notes": list(self.notes),
        }

"""The collection manifest as values. What each field means is said once, in schemas/collection.schema.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from strongroom.core.retention import Retention

#: Dates are text, "2031-01-31": they are compared and copied, never calculated with.
Date = str


@dataclass(frozen=True, slots=True)
class StoreRef:
    """A store the bags belong in, and how it may be used."""

    url: str  # "file:///disk/archive" (absolute, percent-encoded) or "s3://bucket/prefix"
    id: str | None = None  # of the store, 32 hexadecimal digits: that one and no other; None: the one that was first seen there
    offline: bool = False  # a disk in a drawer: its absence is no fault
    max_absence_days: int | None = None  # … for so long
    max_age_days: int | None = None  # between two fixity checks of the same bytes
    max_bytes: int | None = None  # read by one audit
    max_minutes: int | None = None  # taken by one audit
    rate_limit: int | None = None  # bytes a second
    endpoint_url: str | None = None
    region: str | None = None
    storage_class: str | None = None  # of packs and large contents; None: the bucket's usual one
    retention: Retention | None = None  # how long each object is kept, by the bucket's Object Lock
    checksum_mode: Literal["when_supported", "when_required"] = "when_supported"  # botocore's request_checksum_calculation

    def __str__(self) -> str:
        """Where it is and, if the collection manifest says, which: "file:///media/usb (store 0123…)". Two disks may take turns there."""
        return self.url if self.id is None else f"{self.url} (store {self.id})"

    def names(self, store_id: str | None, url: str) -> bool:
        """Whether the store of this id (None: not known), at this URL, is the one that is meant."""
        return self.id == store_id if self.id is not None and store_id is not None else self.url == url


@dataclass(frozen=True, slots=True)
class BucketRef:
    """A source in a bucket: the objects whose keys begin with `prefix` and a slash, or all of them."""

    bucket: str
    prefix: str  # as it is, without a slash at its end; "" for the whole bucket
    endpoint_url: str | None = None
    region: str | None = None
    rate_limit: int | None = None  # bytes a second

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


@dataclass(frozen=True, slots=True)
class Identifier:
    type: str  # "ARK", "DOI", "UUID", "local"
    value: str


@dataclass(frozen=True, slots=True)
class Agent:
    name: str
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Access:
    level: Literal["open", "restricted", "closed"] = "open"
    embargo_until: Date | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class MetadataSettings:
    """How descriptive records are found and checked."""

    records: Path | None = None  # a file, or a folder of sidecars; None: look for them (metadata.sources)
    schema: str = "dublin-core"  # a built-in name, or the absolute path of a JSON Schema
    on_invalid: Literal["flag", "refuse", "hold"] = "flag"
    every_file: bool = False  # a payload file without a record is a finding


@dataclass(frozen=True, slots=True)
class Schedule:
    """When `strongroom serve` runs what: cron expressions of five fields."""

    archive: str | None = None
    audit: str | None = None
    timezone: str = "UTC"
    grace_hours: int = 24  # so late a run may be before it is overdue


@dataclass(frozen=True, slots=True)
class AuditPolicy:
    max_age_days: int | None = None
    max_bytes: int | None = None
    max_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Notify:
    """When a message is sent about a run over this collection."""

    severity: Literal["error", "warning"] = "warning"  # the least that is worth one
    always: bool = False


@dataclass(frozen=True, slots=True)
class CollectionManifest:
    """One collection manifest, checked and complete. Can be pickled and compared."""

    file: Path
    name: str
    uuid: str | None  # 32 hexadecimal digits
    source: Path | BucketRef  # a path is absolute
    stores: tuple[StoreRef, ...]
    title: str | None
    description: str | None
    identifiers: tuple[Identifier, ...]
    agents: tuple[Agent, ...]
    rights: Mapping[str, str]  # statement, license, holder, note
    access: Access
    languages: tuple[str, ...]  # BCP 47
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    mode: Literal["snapshot", "accrue", "closed"]
    max_loss: float  # a fraction: 0.1
    metadata: MetadataSettings
    fixity: tuple[str, ...]  # "sha256" first
    identify: bool
    scan: str | None  # a virus scanner, as core.scans.check_scanner has it
    readback: bool
    compression: Literal["none", "zstd"]  # of small contents that shrink
    dedup: Literal["store", "collection"]
    symlinks: Literal["record", "follow", "refuse"]
    authority: str
    schedule: Schedule
    audit: AuditPolicy
    notify: Notify
    document: Mapping[str, Any]  # after `extends` and defaults; what metadata/collection.json holds
    raw: bytes  # the file as written; what metadata/collection.yaml holds

    def audit_of(self, store: StoreRef) -> AuditPolicy:
        """How the store is to be audited: as its own entry says, else as the collection does."""
        return AuditPolicy(
            store.max_age_days or self.audit.max_age_days, store.max_bytes or self.audit.max_bytes,
            store.max_minutes or self.audit.max_minutes,
        )

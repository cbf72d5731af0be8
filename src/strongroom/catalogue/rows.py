"""What the catalogue answers with."""

from __future__ import annotations

from dataclasses import dataclass

from strongroom.core.digests import Digest
from strongroom.core.ids import BagId


@dataclass(frozen=True, slots=True)
class StoreRow:
    id: str
    url: str  # where it was last opened
    seen: str  # UTC, when it last answered


@dataclass(frozen=True, slots=True)
class BagRow:
    bag: BagId
    seal: Digest
    collection: str  # UUID
    attempt: str
    sealed: str  # UTC
    files: int
    bytes: int
    state: Digest
    stores: tuple[str, ...]  # ids


@dataclass(frozen=True, slots=True)
class CollectionRow:
    name: str
    manifest: str | None  # path of the collection manifest last used
    last_archive: str | None  # UTC of the last run that ended well
    last_outcome: str | None  # "sealed", "unchanged", …


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """A pack or a large content of a store."""

    id: int
    kind: str  # "pack", "zstd" (a compressed pack) or "content"
    digest: Digest
    size: int  # bytes as stored
    verified: bool  # read back whole and found right, once

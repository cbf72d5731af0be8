"""Tombstones: what says that a content is withheld, or is not any more (docs/format.md, section 13)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from strongroom.core import canonical
from strongroom.core.canonical import check_count
from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError
from strongroom.core.ids import BagId, check_id

FORMAT: Final = "strongroom-tombstone/1"
BAGS_FORMAT: Final = "strongroom-tombstone-bags/1"
#: Payload files that a tombstone's list names; of more there is a count.
MAX_FILES: Final = 1000
MAX_REASON: Final = 4000  # characters
#: Bytes of a tombstone, and of its list of payload files: 1,000 paths of 4 KiB, each byte escaped, have room.
LIMIT: Final = 1 << 20
BAGS_LIMIT: Final = 32 << 20


class Action(StrEnum):
    WITHHOLD = "withhold"
    LIFT = "lift"


@dataclass(frozen=True, slots=True)
class Tombstone:
    """One decision about one content. `previous`: every tombstone of this content that stood when it was made, which it replaces."""

    content: Digest
    number: int  # one more than the highest before it, from 1
    previous: tuple[Digest, ...]
    action: Action
    reason: str
    agents: tuple[str, ...]
    bags: Digest | None  # SHA-256 of the list of payload files it was asked for, which lies beside it where those bags belong
    created: str  # UTC, a hint
    size: int | None = None  # bytes of the content, where that is known: files of other sizes need not be compared with it

    def __post_init__(self) -> None:
        if not 0 < self.number < 10**9:
            raise InvalidValueError(f"number is {self.number}, expected 1 or more")
        if not self.reason.strip() or len(self.reason) > MAX_REASON:
            raise InvalidValueError(f"a reason has 1 to {MAX_REASON} characters")

    def to_bytes(self) -> bytes:
        return canonical.dumps({
            "format": FORMAT, "sha256": self.content.hex, "number": self.number,
            "previous": sorted(digest.hex for digest in self.previous), "action": self.action.value, "bytes": self.size,
            "reason": self.reason,
            "agents": list(self.agents), "bags": None if self.bags is None else self.bags.hex, "created": self.created,
        })


@dataclass(frozen=True, slots=True)
class WithheldFiles:
    """The payload files a tombstone was asked for, at most MAX_FILES of them; `more` counts the others."""

    content: Digest
    nonce: str  # random, so that the list's digest in the tombstone tells nobody who guesses names that the guess is right
    files: tuple[tuple[BagId, str], ...]
    more: int

    @property
    def names(self) -> frozenset[str]:
        """The collections it speaks of."""
        return frozenset(bag.name for bag, _ in self.files)

    def to_bytes(self) -> bytes:
        return canonical.dumps({
            "format": BAGS_FORMAT, "sha256": self.content.hex, "nonce": self.nonce, "more": self.more,
            "bags": [{"bag": str(bag), "path": path} for bag, path in self.files],
        })


def parse_tombstone(data: bytes, *, what: str) -> Tombstone:
    """Raises InvalidValueError, naming `what`, if these bytes are no tombstone."""
    value = canonical.loads(data, what=what)
    try:
        _check_format(value, FORMAT)
        previous = tuple(map(Digest, value["previous"]))
        agents = tuple(map(str, value["agents"]))
        bags = None if value["bags"] is None else Digest(value["bags"])
        return Tombstone(
            Digest(value["sha256"]), check_count(value["number"]), previous, Action(value["action"]), str(value["reason"]), agents, bags,
            str(value["created"]), None if value["bytes"] is None else check_count(value["bytes"]))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InvalidValueError(f"{what}: not a tombstone: {error}") from error


def parse_files(data: bytes, *, what: str) -> WithheldFiles:
    """Raises InvalidValueError, naming `what`, if these bytes are no list of payload files."""
    value = canonical.loads(data, what=what)
    try:
        _check_format(value, BAGS_FORMAT)
        files = tuple((BagId.parse(one["bag"]), str(one["path"])) for one in value["bags"])
        return WithheldFiles(Digest(value["sha256"]), check_id(value["nonce"]), files, check_count(value["more"]))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InvalidValueError(f"{what}: not a tombstone's list of files: {error}") from error


def _check_format(value: Any, expected: str) -> None:
    if value["format"] != expected:
        raise InvalidValueError(f"format is {value['format']!r}, expected {expected!r}")

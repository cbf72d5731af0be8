"""Whether an object can be read at once, or lies in a storage class from which it must be thawed first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

Tier = Literal["bulk", "standard", "expedited"]
TIERS: Final[tuple[Tier, ...]] = ("bulk", "standard", "expedited")
#: Storage classes of S3 that give an object only after it was asked for and copied.
FROZEN: Final = frozenset({"GLACIER", "DEEP_ARCHIVE", "ARCHIVE_ACCESS", "DEEP_ARCHIVE_ACCESS"})

#: Days for which a thawed copy can be read, if nothing else is said: longer than the slowest tier and a weekend.
THAWED_DAYS: Final = 7


class State(StrEnum):
    WARM = "warm"
    COLD = "cold"  # and not asked for
    THAWING = "thawing"  # asked for, and not there yet
    THAWED = "thawed"  # a copy can be read for some days


@dataclass(frozen=True, slots=True)
class Warmth:
    """What a store says of an object; of objects that move by themselves (INTELLIGENT_TIERING) the class they are in now."""

    storage_class: str  # "STANDARD", "DEEP_ARCHIVE"
    state: State
    size: int  # bytes
    until: datetime | None = None  # of a thawed copy, if the store says so


@dataclass(frozen=True, slots=True)
class Thawing:
    """How to go about it. `spend`: money may be spent. `wait`: until everything is there, instead of ending."""

    spend: bool = False
    wait: bool = False
    tier: Tier = "bulk"
    days: int = THAWED_DAYS

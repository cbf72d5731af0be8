"""What is read in one go."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """A key of a unit."""

    key: str
    recorded: str | None = None  # SHA-256 it had when it was last sound, in hexadecimal
    accused: str | None = None  # why other objects contradict it, whatever it looks like
    members: str | None = None  # of a pack whose members were compared with their names before: SHA-256 of the index they ask for


@dataclass(frozen=True, slots=True)
class Unit:
    """What is read in one go. `expected` are the digests ("sha256:HEX") of which the objects at `base` must have one; where there is
    none, what a key held when it was last sound decides, and where it was never read, its shape."""

    base: str
    items: tuple[Item, ...]
    expected: tuple[str, ...] = ()

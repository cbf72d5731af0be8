"""What is read in one go."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
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


def describe(scratch: sqlite3.Connection, first: int, last: int) -> Iterator[Unit]:
    """The chosen units at these positions, with all that is known of them."""
    for (unit,) in scratch.execute("SELECT unit FROM chosen WHERE position BETWEEN ? AND ? ORDER BY position", (first, last)):
        rows = scratch.execute("SELECT key, recorded, accused, members FROM things WHERE unit = ? AND skip IS NULL ORDER BY key", (unit,))
        items = tuple(Item(*row) for row in rows)
        expected = scratch.execute("SELECT DISTINCT digest FROM wanted WHERE base = ? ORDER BY digest", (unit,))
        yield Unit(unit, items, tuple(text for (text,) in expected))

"""Every pair compared with every other, to judge the search by, without its code. Works on what was looked at."""

from __future__ import annotations

import sqlite3
import struct
from pathlib import Path

from tests.fixtures.catalogues import tables

LEAST = 8  # shingles a text must have to be compared


def texts(home: Path) -> dict[str, frozenset[int]]:
    """By SHA-256, the shingles of each text on the shelf, without the boilerplate of any collection."""
    with tables(home) as catalogue:
        shared: set[int] = set()
        for (data,) in catalogue.execute("SELECT shingles FROM likeness_boilerplate"):
            shared.update(numbers(data))
    with sqlite3.connect(home / "likeness.sqlite") as shelf:
        rows = shelf.execute("SELECT lower(hex(sha256)), shingles FROM looked WHERE kind = 'text'")
        found = {sha: frozenset(numbers(data)) - shared for sha, data in rows}
    return {sha: shingles for sha, shingles in found.items() if len(shingles) >= LEAST}


def numbers(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(data) // 4}I", data)


def pairs(found: dict[str, frozenset[int]], least: float = 0.8) -> dict[frozenset[str], float]:
    """Those of a Jaccard of at least so much."""
    names = sorted(found)
    alike = {}
    for at, a in enumerate(names):
        x = found[a]
        for b in names[:at]:
            y = found[b]
            both = len(x & y)
            if both >= least * (len(x) + len(y) - both):
                alike[frozenset((a, b))] = both / (len(x) + len(y) - both)
    return alike


def contained(found: dict[str, frozenset[int]], least: float = 0.6, shared: int = 16) -> set[tuple[str, str]]:
    """(a, b): so much of a is in b, which is as large or larger."""
    return {
        (a, b) for a, x in found.items() for b, y in found.items()
        if a != b and len(x) <= len(y) and (both := len(x & y)) >= shared and both >= least * len(x)
    }

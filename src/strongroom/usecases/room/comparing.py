"""Two texts side by side, with what differs marked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

#: Lines of each text that are compared: the time it takes can grow with the product of both.
MOST_LINES: Final = 3000
_LONGEST: Final = 4000  # characters of a line whose words are compared
_AROUND: Final = 3  # equal lines that are shown beside what differs
_WORDS: Final = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a line; `marked`: the other side does not have it."""

    text: str
    marked: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A line of each side; None: the other side has none that goes with it."""

    left: tuple[Part, ...] | None
    right: tuple[Part, ...] | None

    @property
    def same(self) -> bool:
        return self.left == self.right


def side_by_side(left: list[str], right: list[str]) -> Iterator[Row]:
    """The rows of both texts; of each at most MOST_LINES lines are looked at."""
    left, right = left[:MOST_LINES], right[:MOST_LINES]
    for kind, a, b, c, d in SequenceMatcher(None, left, right).get_opcodes():
        if kind == "equal":
            yield from (Row((Part(line, False),), (Part(line, False),)) for line in left[a:b])
        else:
            yield from _changed(left[a:b], right[c:d])


def folded(rows: Iterable[Row]) -> Iterator[Row | int]:
    """The rows, but of long runs of equal ones only the ends, and how many there were between."""
    run: list[Row] = []
    for row in rows:
        if row.same:
            run.append(row)
        else:
            yield from _fold(run)
            run = []
            yield row
    yield from _fold(run)


def _fold(run: list[Row]) -> Iterator[Row | int]:
    if len(run) <= 2 * _AROUND + 2:
        yield from run
    else:
        yield from run[:_AROUND]
        yield len(run) - 2 * _AROUND
        yield from run[-_AROUND:]


def _changed(left: list[str], right: list[str]) -> Iterator[Row]:
    for number in range(max(len(left), len(right))):
        if number >= len(right):
            yield Row((Part(left[number], True),), None)
        elif number >= len(left):
            yield Row(None, (Part(right[number], True),))
        else:
            yield _words(left[number], right[number])


def _words(left: str, right: str) -> Row:
    if max(len(left), len(right)) > _LONGEST:
        return Row((Part(left, True),), (Part(right, True),))
    one, other = _WORDS.findall(left), _WORDS.findall(right)
    sides: tuple[list[Part], list[Part]] = ([], [])
    for kind, a, b, c, d in SequenceMatcher(None, one, other).get_opcodes():
        for side, text in zip(sides, ("".join(one[a:b]), "".join(other[c:d])), strict=True):
            if text:
                side.append(Part(text, kind != "equal"))
    return Row(tuple(sides[0]), tuple(sides[1]))

"""Columns for people."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from strongroom.core.findings import printable


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> Iterator[str]:
    """Aligned lines; the columns numbered in `right` are set to the right. Cells are made safe to print."""
    lines = [[printable(cell) for cell in row] for row in (head, *rows)]
    widths = [max(width(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        cells = [
            " " * (widths[column] - width(cell)) + cell if column in right else cell + " " * (widths[column] - width(cell))
            for column, cell in enumerate(line)
        ]
        yield "  ".join(cells).rstrip()


def width(text: str) -> int:
    """How many columns a terminal gives `text`: wide characters take two, combining ones none.

    >>> width("cafe\\u0301"), width("\\u6587\\u66f8")
    (4, 4)
    """
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)

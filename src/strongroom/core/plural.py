"""Numbers with what they count, as people write them."""

from __future__ import annotations


def plural(count: int, one: str, many: str | None = None) -> str:
    """A number and what it counts; `many` where it is not `one` with an s, or a verb goes with it.

    >>> plural(1, "bag"), plural(1200, "bag"), plural(0, "copy is", "copies are")
    ('1 bag', '1,200 bags', '0 copies are')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"

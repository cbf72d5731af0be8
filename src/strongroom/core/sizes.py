"""Sizes and shares for people."""

from __future__ import annotations

from strongroom.core.plural import plural


def human_size(size: int) -> str:
    """A number of bytes for people.

    >>> human_size(1), human_size(999), human_size(1536), human_size(5 << 30)
    ('1 byte', '999 bytes', '1.5 KiB', '5.0 GiB')
    """
    if size < 1024:
        return plural(size, "byte")
    value = size / 1024
    for unit in ("KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:,.1f} {unit}"
        value /= 1024
    return f"{value:,.1f} TiB"


def share_of(part: int, whole: int) -> float:
    """What share of `whole` is `part`, to four digits and never rounded up: it is 1 only if that is all.

    >>> share_of(99_999, 100_000), share_of(5, 5), share_of(0, 0)
    (0.9999, 1.0, 1.0)
    """
    return min(part, whole) * 10_000 // whole / 10_000 if whole else 1.0


def percent(share: float, digits: int = 0) -> str:
    """A share (0 to 1, of at most four digits) in percent, never rounded up.

    >>> percent(0.9999), percent(0.9999, 1), percent(1.0, 1), percent(0.57)
    ('99%', '99.9%', '100.0%', '57%')
    """
    unit = 10 ** (2 - digits)
    return f"{round(share * 10_000) // unit * unit / 100:.{digits}f}%"

"""Sizes for people."""

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

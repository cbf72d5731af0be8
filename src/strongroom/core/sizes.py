"""Sizes for people."""

from __future__ import annotations


def human_size(size: int) -> str:
    """A number of bytes for people.

    >>> human_size(1536)
    '1.5 KiB'
    """
    value = float(size)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{size:,} bytes" if unit == "bytes" else f"{value:,.1f} {unit}"
        value /= 1024
    return f"{value:,.1f} TiB"

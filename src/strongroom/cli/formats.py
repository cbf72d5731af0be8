"""Totals by format, as a table for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from strongroom.catalogue.formats import FormatTotal
from strongroom.cli.table import table
from strongroom.core.formats import FLAGS
from strongroom.core.sizes import human_size

_SHOWN: Final = 15


def format_lines(totals: Sequence[FormatTotal]) -> Iterator[str]:
    """One line for each format, PRONOM's name and id before the MIME type; then how much is encrypted, empty, and so on."""
    sums: dict[tuple[str, str, str], tuple[int, int]] = {}
    flags = dict.fromkeys(FLAGS, 0)
    for one in totals:
        key = one.format.title or "not identified", one.format.puid, one.format.mime
        files, size = sums.get(key, (0, 0))
        sums[key] = files + one.files, size + one.bytes
        for flag in FLAGS:
            flags[flag] += one.files if one.format.has(flag) else 0
    ranked = sorted(sums.items(), key=lambda item: (-item[1][0], item[0]))
    rows = [(title, puid, mime, f"{files:,}", human_size(size)) for (title, puid, mime), (files, size) in ranked]
    yield from table(("FORMAT", "PRONOM", "MIME TYPE", "FILES", "SIZE"), rows[:_SHOWN], right=(3, 4))
    if len(rows) > _SHOWN:
        yield f"and {len(rows) - _SHOWN} more; --json has them"
    said = [f"{count:,} {flag.replace('-', ' ')}" for flag, count in flags.items() if count]
    if said:
        yield "of these: " + ", ".join(said)

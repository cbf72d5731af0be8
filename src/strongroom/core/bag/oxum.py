"""Payload-Oxum: how many bytes and files the payload has (RFC 8493, 2.2.2)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_OXUM: Final = re.compile(r"([0-9]{1,20})\.([0-9]{1,20})\Z", re.ASCII)


class Oxum(NamedTuple):
    """
    >>> str(Oxum(279164409832, 1198)), parse_oxum("12.3"), parse_oxum("12")
    ('279164409832.1198', Oxum(octets=12, streams=3), None)
    """

    octets: int
    streams: int

    def __str__(self) -> str:
        return f"{self.octets}.{self.streams}"


def parse_oxum(text: str) -> Oxum | None:
    """The value of a Payload-Oxum element, or None if it is none."""
    match = _OXUM.match(text.strip(" \t"))
    return Oxum(int(match[1]), int(match[2])) if match else None

"""What a grammar found wrong. The caller, who knows the file, makes findings of it."""

from __future__ import annotations

from typing import NamedTuple


class Problem(NamedTuple):
    """Something wrong with one line of a tag file."""

    line: int  # counted from 1; 0 when it concerns the file as a whole
    message: str
    fatal: bool = True  # False: legal but dangerous, a warning

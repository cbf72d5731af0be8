"""How much of a stranger's archive is taken, and the refusal of what is not."""

from __future__ import annotations

from dataclasses import dataclass


class UnpackError(Exception):
    """An archive, or one member of it, that is refused. `member` is its name ("" for the archive as a whole)."""

    def __init__(self, member: str, reason: str) -> None:
        super().__init__(f"{member[:300]}: {reason}" if member else reason)
        self.member = member[:300]
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond these an archive is refused. Sizes in bytes."""

    files: int = 1_000_000  # members of any kind
    size: int = 1 << 40  # of all files together, unpacked
    ratio: int = 200  # unpacked bytes for each packed one …
    ratio_from: int = 16 << 20  # … counted once so much was unpacked
    path: int = 1024  # of a member's name
    segment: int = 255  # of a file or folder name
    depth: int = 64  # folders in one another
    keep_free: int = 256 << 20  # of the disk that holds the staging folder

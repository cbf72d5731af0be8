"""The lines of `placement.jsonl`: where in a store a bag's contents lie (docs/format.md, 3.4)."""

from __future__ import annotations

from typing import Any, Final

from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError

#: Bytes of a placement that are read: a line has about 75, so this is 14 million packs, 220 TB of one bag.
PLACEMENT_LIMIT: Final = 1 << 30

#: The member that names an object of each kind.
_MEMBERS: Final = {"pack": "pack", "zstd": "zstd", "content": "object"}


def place_line(kind: str, digest: Digest) -> str:
    """The line, with its LF."""
    return f'{{"{_MEMBERS[kind]}":"{digest.hex}"}}\n'


def parse_place(line: Any) -> tuple[str, Digest]:
    """Kind ("pack", "zstd", "content") and digest of what a line, read as JSON, names. Raises InvalidValueError."""
    if isinstance(line, dict):
        for kind, member in _MEMBERS.items():
            if isinstance(text := line.get(member), str):
                return kind, Digest(text)
    raise InvalidValueError("a line of a placement that names neither pack nor object")

"""The bag under verification, as the rules share it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from strongroom.core.bag.declaration import Declaration
from strongroom.core.bag.problems import Problem
from strongroom.core.findings import Code, Finding
from strongroom.usecases.verify.index import Index

CHUNK: Final = 1 << 20
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@dataclass(slots=True)
class Bag:
    root: bytes  # absolute
    index: Index
    declaration: Declaration = field(default_factory=Declaration)
    hashed_bytes: int = 0

    def has(self, path: str) -> bool:
        """Whether this path is a regular file that may be read."""
        return self.index.one("SELECT 1 FROM files WHERE path=?", os.fsencode(path)) is not None

    def chunks(self, path: str) -> Iterator[bytes]:
        """The bytes of a tag file. Raises OSError."""
        real = self.index.one("SELECT coalesce(real, path) FROM files WHERE path=?", os.fsencode(path))
        with os.fdopen(open_regular(os.path.join(self.root, real)), "rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk


def open_regular(path: bytes) -> int:
    """A descriptor of a regular file, never of a link or of something that could block. Raises OSError."""
    descriptor = os.open(path, _FLAGS)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError("is no longer a regular file")
    return descriptor


def finding_of(problem: Problem, name: str) -> Finding:
    """What a grammar found wrong with the tag file `name`."""
    place = f"{name}, line {problem.line}" if problem.line else name
    return Finding(Code.BAG_INVALID if problem.fatal else Code.BAG_WARNING, place, problem.message)


def unreadable(path: bytes | str, error: OSError) -> Finding:
    return Finding(Code.BAG_UNREADABLE, os.fsdecode(path), f"cannot be read: {error.strerror or error}; check permissions and the disk")

"""One at a time on one machine. Between machines the stores decide."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from strongroom.core.errors import StrongroomError


@contextmanager
def locked(home: Path, name: str, busy: str = "") -> Iterator[None]:
    """Hold the lock HOME/locks/NAME; it goes with the process. Where another process has it: wait for it or, given `busy`, raise
    StrongroomError with that."""
    folder = home / "locks"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / name).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
        except BlockingIOError:
            raise StrongroomError(busy) from None
        yield

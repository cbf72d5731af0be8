"""One archive run of a collection at a time on one machine. Between machines the seal decides."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from strongroom.core.errors import StrongroomError


@contextmanager
def only_one(home: Path, collection: str) -> Iterator[None]:
    """Hold the collection's lock; it goes with the process. Raises StrongroomError if another run has it."""
    folder = home / "locks"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / f"{collection}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StrongroomError(f"another run is archiving {collection} now; wait for it to end") from None
        yield

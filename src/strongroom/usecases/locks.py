"""One at a time, among all that share a catalogue. Between others the stores decide."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from strongroom.core.errors import StrongroomError
from strongroom.database import Where


@contextmanager
def locked(catalogue: Where, name: str, busy: str = "") -> Iterator[None]:
    """Hold the lock HOME/locks/NAME, and that of this name in a catalogue that machines share; it goes with the process, or with the
    connection. Where another has it: wait for it or, given `busy`, raise StrongroomError with that."""
    home = catalogue.parent if isinstance(catalogue, Path) else catalogue.home
    folder = home / "locks"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / name).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
        except BlockingIOError:
            raise StrongroomError(busy) from None
        if isinstance(catalogue, Path):
            yield
            return
        from strongroom.database.postgres.locks import held  # noqa: PLC0415 -- only who uses it pays for it

        with held(catalogue, name, busy):
            yield

"""One at a time, among all that share a catalogue. Between others the stores decide."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from strongroom.core.errors import StrongroomError
from strongroom.database import Where

_LONGEST: Final = 1800.0  # seconds for what others do in moments; as long as for an answer of a catalogue's server
_AGAIN: Final = 0.05  # seconds


@contextmanager
def locked(catalogue: Where, name: str, busy: str = "") -> Iterator[None]:
    """Hold the lock HOME/locks/NAME, and that of this name in a catalogue that machines share; it goes with the process, or with the
    connection. Where another has it: wait for it or, given `busy`, raise StrongroomError with that. Whoever stands still with it is not
    waited for without end: StrongroomError."""
    home = catalogue.parent if isinstance(catalogue, Path) else catalogue.home
    folder = home / "locks"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / name).open("w") as file:
        _lock(file, folder / name, busy)
        if isinstance(catalogue, Path):
            yield
            return
        from strongroom.database.postgres.locks import held  # noqa: PLC0415 -- only who uses it pays for it

        with held(catalogue, name, busy):
            yield


def _lock(file: IO[str], path: Path, busy: str) -> None:
    end = time.monotonic() + _LONGEST
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if busy:
                raise StrongroomError(busy) from None
            if time.monotonic() > end:
                raise StrongroomError(f"{path}: another run has held this for {_LONGEST:g} s. End it, and run this again") from None
            time.sleep(_AGAIN)
        else:
            return

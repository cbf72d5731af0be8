"""Where a job keeps its state on this machine."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from strongroom.database import Where, exists
from strongroom.database.postgres.place import from_environment
from strongroom.database.shared import VARIABLE as SCRATCH
from strongroom.database.shared import shared_scratch
from strongroom.durable import cannot_write


@dataclass(frozen=True, slots=True)
class Context:
    """The folder STRONGROOM_HOME: the catalogue and scratch space. Losing it loses no bag."""

    home: Path

    @classmethod
    def from_environment(cls) -> Context:
        """STRONGROOM_HOME, or `$XDG_STATE_HOME/strongroom`, or `~/.local/state/strongroom`."""
        home = os.environ.get("STRONGROOM_HOME")
        if home:
            return cls(Path(home).absolute())
        state = os.environ.get("XDG_STATE_HOME")
        return cls((Path(state) if state else Path.home() / ".local" / "state") / "strongroom")

    @property
    def catalogue(self) -> Where:
        """What STRONGROOM_CATALOGUE names, which several machines may share, or else a file below `home`. Raises UsageError."""
        return from_environment(self.home) or self.home / "catalogue.sqlite"

    @property
    def scratch_folder(self) -> Path:
        """Where jobs keep their lists: a folder of this machine's in the one that STRONGROOM_SCRATCH names, or below `home`. Raises
        UsageError."""
        shared = shared_scratch()
        return self.home / "scratch" if shared is None else shared / socket.gethostname()

    def has_catalogue(self) -> bool:
        """Whether a catalogue was ever made there. Raises StrongroomError where that cannot be asked."""
        return exists(self.catalogue)

    @contextmanager
    def scratch(self, job: str, elsewhere: Path | None = None) -> Iterator[Path]:
        """A private folder for one job, removed afterwards, as are those of jobs that were killed. It lies in `scratch_folder`, or in
        a folder of ours below `elsewhere`.

        Raises UsageError if that cannot be written, StrongroomError if its disk is full or failing.
        """
        place = self.scratch_folder if elsewhere is None else elsewhere / "strongroom-scratch"
        try:
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            _remove_abandoned(place)
            folder = Path(tempfile.mkdtemp(prefix=f"{job}-", dir=place))
            lock = _lock(folder)
        except OSError as error:
            ours = f"{SCRATCH} ({place})" if shared_scratch() else f"STRONGROOM_HOME ({self.home})"
            raise cannot_write(ours if elsewhere is None else str(elsewhere), error) from error
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _lock(folder: Path) -> int:
    """Hold `folder` as in use for as long as this process, and the descriptor, lives. Raises OSError if another holds it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove_abandoned(place: Path) -> None:
    for folder in place.iterdir():
        with suppress(OSError):  # in use, or another job removes it at this moment
            if time.time() - folder.stat().st_mtime > _SETTLING:
                lock = _lock(folder)
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


#: Seconds in which a folder that was just made may not have been locked yet.
_SETTLING: Final = 10

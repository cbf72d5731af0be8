"""Where a job keeps its state on this machine."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from strongroom.core.errors import UsageError


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
    def catalogue(self) -> Path:
        return self.home / "catalogue.sqlite"

    @contextmanager
    def scratch(self, job: str) -> Iterator[Path]:
        """A private folder for one job, removed afterwards. Raises UsageError if STRONGROOM_HOME cannot be written."""
        try:
            (self.home / "scratch").mkdir(parents=True, exist_ok=True, mode=0o700)
            folder = Path(tempfile.mkdtemp(prefix=f"{job}-", dir=self.home / "scratch"))
        except OSError as error:
            raise UsageError(f"cannot write below STRONGROOM_HOME ({self.home}): {error.strerror}; set it to a folder you own") from error
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

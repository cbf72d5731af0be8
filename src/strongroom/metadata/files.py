"""The files of a source, as far as metadata are looked for among them."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Protocol


class SourceFiles(Protocol):
    """Files by their names below the source: "metadata/records.csv"."""

    @property
    def place(self) -> str:
        """What people call the source."""

    @property
    def folder(self) -> Path | None:
        """The source itself, if it is a folder here: then something may lie beside it."""

    def is_file(self, name: str) -> bool: ...

    def fetch(self, name: str) -> Path | None:
        """A file on this machine with its bytes, which stays until the next call. None if it cannot be read, which the scan or the run
        reports."""


class LocalFiles:
    """SourceFiles of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder: Path | None = folder
        self._folder = folder
        self.place = str(folder)

    def is_file(self, name: str) -> bool:
        try:
            return stat.S_ISREG((self._folder / name).lstat().st_mode)
        except OSError:
            return False

    def fetch(self, name: str) -> Path:
        return self._folder / name

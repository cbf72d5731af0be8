"""A folder as a source: a local one, or one of a shared file system that workers see elsewhere (mounts.py)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Final

from strongroom.core.errors import SourceError
from strongroom.core.findings import Finding
from strongroom.core.pack import LARGE_CONTENT
from strongroom.sources.interface import Entry, Reading, Row, Rules, Taken
from strongroom.sources.mounts import VARIABLE, here
from strongroom.sources.reading import FileState, OpenFile, SourceReadError, clamp, open_source, read_small, signed
from strongroom.sources.walk import Walk

_LOOKED_AT: Final = 16  # files of a batch, of which one at least must be what was listed


@dataclass(frozen=True, slots=True)
class Folder:
    """An interface.Source. `path` is absolute, as the collection manifest has it; `follow`: links are read, too; `afar`: by workers on
    other machines, perhaps, where something else may lie in that place."""

    path: bytes
    follow: bool = False
    afar: bool = False

    @property
    def place(self) -> str:
        return os.fsdecode(self.path)

    def identity(self) -> tuple[int, int] | None:
        """Device and inode of the folder."""
        try:
            info = os.stat(here(self.path))
        except OSError:
            return None
        return info.st_dev, info.st_ino

    def entries(self, rules: Rules, found: Callable[[Finding], None]) -> Iterator[Entry]:
        place = here(self.path)
        try:
            yield from Walk(place, rules, found).entries()
        except SourceError as error:
            if place == self.path:
                raise
            raise SourceError(f"{error} By {VARIABLE} it is {self.place} on this machine") from error

    def files(self, scratch: Path) -> FolderFiles:
        return FolderFiles(self)


class FolderFiles:
    """An interface.Files."""

    def __init__(self, folder: Folder) -> None:
        self._place = here(folder.path)
        self._doubted = folder.afar or self._place != folder.path
        self._name = folder.place
        self._follow = folder.follow

    def read(self, rows: Iterable[Row]) -> Reading:
        for row in self._checked(iter(rows)) if self._doubted else rows:
            taken: Taken | SourceReadError
            try:
                taken = self.now(row[1])
            except SourceReadError as error:
                taken = error
            yield row, taken

    def now(self, name: bytes) -> Taken:
        descriptor = open_source(self._place + b"/" + name, follow=self._follow)
        try:
            state = FileState.of(descriptor)
            if state.size > LARGE_CONTENT:
                large, descriptor = OpenFile(descriptor, state), -1
                return state, large
            return state, read_small(descriptor, state)
        finally:
            if descriptor >= 0:
                os.close(descriptor)

    def _checked(self, rows: Iterator[Row]) -> Iterator[Row]:
        """The same rows, after a look at the first of them: a folder that happens to lie in that place here is not read for another."""
        first = list(islice(rows, _LOOKED_AT))
        if first and not any(map(self._is_as_listed, first)):
            raise SourceError(
                f"{os.fsdecode(self._place)}: not the folder that was listed as {self._name}: of {len(first)} files, none has the size, "
                f"time and inode number it had there. Mount it on this machine, or correct {VARIABLE} there; a file system "
                "that numbers its files anew at each mount point cannot be shared so"
            )
        return chain(first, rows)

    def _is_as_listed(self, row: Row) -> bool:
        try:
            info = os.stat(self._place + b"/" + row[1], follow_symlinks=self._follow)
        except OSError:
            return False
        return (info.st_size, clamp(info.st_mtime_ns), signed(info.st_ino)) == (row[3], row[4], row[5])

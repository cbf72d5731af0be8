"""Where an exported bag is written: one interface for a folder, a tar and a zip."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from strongroom.usecases.restore.contents import write_all
from strongroom.usecases.restore.tree import Tree


class Sink(Protocol):
    """Takes the files of a bag one after the other. Raises OSError where it cannot be written."""

    def add(self, path: str, size: int, chunks: Iterable[bytes], *, mode: int, mtime: int) -> None:
        """A file of `size` bytes; `mtime` in ns since 1970. Whatever `chunks` raises passes through, and then nothing of it stays."""

    def finish(self) -> None:
        """Write what comes last."""


class FolderSink:
    """Files in a folder. Nothing is written outside `root`, which exists."""

    def __init__(self, root: Path) -> None:
        self._tree = Tree(root)

    def add(self, path: str, size: int, chunks: Iterable[bytes], *, mode: int, mtime: int) -> None:
        target = path.encode()
        descriptor = self._tree.create(target)
        try:
            for chunk in chunks:
                write_all(descriptor, chunk)
            os.fchmod(descriptor, mode | 0o400)
            os.utime(descriptor, ns=(mtime, mtime))
        except BaseException:
            self._tree.remove(target)
            raise
        finally:
            os.close(descriptor)

    def finish(self) -> None:
        self._tree.__exit__()


def name_trouble(form: str, path: str) -> str | None:
    """Why a file of this form cannot hold a path; None if it can. A folder's file system is tried instead, when it is there."""
    if form == "zip":
        if "\\" in path:
            return "has a backslash, which a zip may not hold (APPNOTE 4.4.17): readers take it for a folder; use --as tar or --as dir"
        if len(path.encode()) > 0xF000:
            return "is longer than a zip can hold; use --as tar or --as dir"
    return None

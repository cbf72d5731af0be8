"""Folders, links and their times: made last, so that nothing is written through a link or into a folder that is closed already."""

from __future__ import annotations

import errno
import os

from strongroom.core.errors import DestinationError
from strongroom.core.findings import Code, Finding
from strongroom.usecases.restore.plan import STAGED, WANTED, Plan
from strongroom.usecases.restore.tree import Tree
from strongroom.usecases.sealed.collector import Collector

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


class Structure:
    """Makes the folders and links of a plan in `tree`. The counts are of what was made."""

    def __init__(self, plan: Plan, tree: Tree, collector: Collector) -> None:
        self._plan, self._tree, self._collector = plan, tree, collector
        self.folders = 0
        self.links = 0
        self.refused = 0

    def mark_existing(self) -> None:
        """Folders that stand there before anything is put back keep their own modes and times."""
        targets = self._plan.rows("SELECT target FROM folder")
        existing = [(target,) for (target,) in targets if not target or self._tree.stat(target) is not None]
        self._plan.db.executemany("DELETE FROM folder WHERE target = ?", existing)

    def unlock(self) -> None:
        """An earlier run may have closed folders that something is still to be written into."""
        for (target,) in self._plan.rows("SELECT target FROM folder WHERE target != x'' ORDER BY target"):
            self._tree.unlock(target)

    def make(self) -> None:
        """Every folder, parents first, then every link."""
        for target, path in self._plan.rows("SELECT target, path FROM folder WHERE made = 1 ORDER BY target"):
            try:
                self.folders += self._tree.make_folder(target) if target else 0
            except OSError as error:
                self._trouble(path, error)
        for target, path, points, mtime in self._plan.rows("SELECT target, path, points, mtime FROM link ORDER BY target"):
            self._link(target, path, points, mtime)

    def _link(self, target: bytes, path: str, points: bytes, mtime: int | None) -> None:
        try:
            self._tree.link(target, points, mtime)
            self.links += 1
        except FileExistsError:
            self._collector.add(Finding(Code.RESTORE_DIFFERS, path, "something else stands in place of this link; it was left alone"))
        except OSError as error:
            self._trouble(path, error)

    def close(self, *, writable: bool) -> None:
        """Give folders their modes and times, deepest first. `writable`: the owner keeps all permissions, as in a bag that validators
        must be able to read and that somebody will want to move."""
        for target, path, mode, mtime in self._plan.rows("SELECT target, path, mode, mtime FROM folder ORDER BY target DESC"):
            try:
                fd = self._tree.folder(target, create=False)
                if mtime is not None:
                    os.utime(fd, ns=(mtime, mtime))
                if mode is not None:
                    os.fchmod(fd, mode | 0o700 if writable else mode)
            except FileNotFoundError:
                continue  # chosen by no glob, or everything in it was lost
            except OSError as error:
                self._trouble(path, error)

    def _trouble(self, path: str, error: OSError) -> None:
        if error.errno in _FULL:
            raise DestinationError(f"{path}: {error.strerror}; make room and run again, which goes on from here") from error
        self.refused += 1
        self._collector.add(Finding(Code.RESTORE_REFUSED, path, f"the destination cannot hold it: {error.strerror}"))


def put_back(plan: Plan, stage: Tree, dest: Tree, collector: Collector) -> int:
    """Move every file written to `stage` to the same path in `dest`, never over anything. How many could not be put there."""
    refused = 0
    query = (
        "SELECT f.target, f.path FROM file f JOIN content c ON c.id = f.content "  # noqa: S608
        f"WHERE (f.state = {WANTED} AND c.done = 1) OR f.state = {STAGED} ORDER BY f.id"
    )
    for target, path in plan.rows(query):
        try:
            dest.move_here(stage, target)
        except FileExistsError:
            collector.add(Finding(Code.RESTORE_DIFFERS, path, "something came to stand there meanwhile; it was left alone"))
        except OSError as error:
            if error.errno in _FULL:
                raise DestinationError(f"{path}: {error.strerror}; make room and run again, which goes on from here") from error
            collector.add(Finding(Code.RESTORE_REFUSED, path, f"cannot be put there: {error.strerror}"))
            refused += 1
    return refused

"""Where a restore writes until it is complete, and how the result appears."""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from strongroom.core.errors import DestinationError, UsageError
from strongroom.core.findings import Finding
from strongroom.core.sizes import human_size
from strongroom.durable import stands_at, sync_folder


class Workplace:
    """The folder that is written, for one destination and one request (`identity`).

    A restore goes to `.DEST.partial-IDENTITY` beside DEST, on the same file system, and is renamed when complete. One that could not
    be completed becomes `DEST.incomplete-IDENTITY` with a note beside it; running the same restore again takes up either. What is put
    back into an existing folder waits in `DEST/.strongroom-partial-IDENTITY`. No two runs use one at a time.
    """

    def __init__(self, dest: Path, identity: str, *, into: bool) -> None:
        self.dest = Path(os.path.realpath(dest))
        self.into = into
        self._check()
        short = self.dest.name.encode()[:200].decode(errors="ignore")  # a name has at most 255 bytes
        self.incomplete = self.dest.with_name(f"{short}.incomplete-{identity}")
        self.note = self.dest.with_name(f"{short}.incomplete-{identity}.txt")
        self.partial = self.dest / f".strongroom-partial-{identity}" if into else self.dest.with_name(f".{short}.partial-{identity}")
        self.resumed = False
        self._lock: int | None = None

    def _check(self) -> None:
        exists = os.path.lexists(self.dest)
        if self.into:
            if not self.dest.is_dir():
                raise UsageError(f"{self.dest}: --into puts files back into a folder, and there is none; leave --into out to make it")
        elif exists and (not self.dest.is_dir() or any(self.dest.iterdir())):
            raise UsageError(f"{self.dest}: exists and is not an empty folder; name another, or use --into to put back what is missing")
        elif exists and os.path.ismount(self.dest):
            raise UsageError(f"{self.dest}: is a mount point, which nothing can be renamed to; name a folder in it")
        elif not self.dest.parent.is_dir():
            raise UsageError(f"{self.dest.parent}: no such folder; make it first")

    def open(self) -> None:
        """Make the folder, or take up what an earlier run left in it. Raises UsageError if another run uses it."""
        try:
            if not self.partial.exists() and self.incomplete.exists() and not self.into:
                os.rename(self.incomplete, self.partial)
            self.resumed = self.partial.exists()
            self.partial.mkdir(exist_ok=True, mode=0o700)
            self._lock = os.open(self.partial, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The folder may have its final mode and time already, if an earlier run was cut off in its last moments.
            self.partial.chmod(0o700)
        except BlockingIOError as error:
            self.close()
            raise UsageError(f"{self.partial}: another restore of the same bag to the same place is under way") from error
        except OSError as error:
            self.close()
            raise DestinationError(f"{self.partial}: {error.strerror}") from error
        self.note.unlink(missing_ok=True)

    def close(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def check_space(self, needed: int) -> None:
        """Raises DestinationError if the file system certainly has not `needed` bytes more."""
        found = os.statvfs(self.partial)
        free = found.f_bavail * found.f_frsize
        if needed > free:
            sizes = f"{human_size(needed)} are to be written and {human_size(free)} are free"
            raise DestinationError(f"{self.dest.parent}: {sizes}; make room, or restore elsewhere")

    def check(self) -> None:
        """Raises DestinationError if something else was put in the place of the folder that is written: it is not what was restored."""
        assert self._lock is not None
        if not stands_at(self._lock, self.partial):
            raise DestinationError(f"{self.partial}: something else was put in its place while it was written; nothing was restored. "
                                   f"Restore below a folder that nobody else may write to")

    def publish(self) -> Path:
        """Make everything durable, then let it appear. Where it lies now. Raises as `check`."""
        self._sync()
        self.check()
        if self.into:
            shutil.rmtree(self.partial)
            return self.dest
        try:
            os.rename(self.partial, self.dest)
        except OSError as error:
            what = f"could not be put in place ({error.strerror}); the complete result lies in {self.partial}"
            raise DestinationError(f"{self.dest}: {what}") from error
        sync_folder(self.dest.parent)
        return self.dest

    def give_up(self, bag: str, findings: Iterable[Finding]) -> Path:
        """Keep what could be had, under a name that nobody takes for the whole, with a note that says what is missing."""
        self._sync()
        self.check()
        if self.into:
            shutil.rmtree(self.partial)  # what could be had was put back
            return self.dest
        lines = [
            f"This is NOT a complete restore of {bag}. It lacks what is listed here.",
            "The same restore, run again when another store can be reached or this one is repaired, goes on from here.",
            "",
            *map(str, findings),
        ]
        self.note.unlink(missing_ok=True)
        with self.note.open("x", encoding="utf-8") as note:  # never through a link
            note.write("\n".join(lines) + "\n")
        os.rename(self.partial, self.incomplete)
        sync_folder(self.dest.parent)
        return self.incomplete

    def discard(self) -> None:
        """Leave nothing behind: there was nothing to restore."""
        shutil.rmtree(self.partial)

    def _sync(self) -> None:
        """Everything written, in one request: a sync for each file would take longer than the restore itself."""
        assert self._lock is not None
        if sys.platform == "linux":
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.syncfs(self._lock) != 0:  # the only one that also says when writing back failed
                error = ctypes.get_errno()
                raise DestinationError(f"{self.partial}: could not be made durable: {os.strerror(error)}")
        else:
            os.sync()

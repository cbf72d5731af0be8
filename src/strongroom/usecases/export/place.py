"""Where an export is written until it is complete, and how it appears: whole, at once, and never over anything."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from strongroom.core.errors import DestinationError, UsageError
from strongroom.durable import stands_at, sync_folder

_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class Place:
    """A context manager: `partial` is a new empty file or folder beside `dest`; leaving without `publish` removes it.

    What a run that was killed left for the same `dest` is removed on entering, and `say` is told. Whoever is at work holds a lock on its
    own, which ends with its process.
    """

    def __init__(self, dest: Path, *, folder: bool, say: Callable[[str], None]) -> None:
        self.dest = Path(os.path.abspath(dest))
        self._folder = folder
        empty = folder and self.dest.is_dir() and not self.dest.is_symlink() and not any(self.dest.iterdir())
        if os.path.lexists(self.dest) and not empty:
            raise UsageError(f"{self.dest}: exists, and nothing is ever overwritten; name another place")
        if not self.dest.parent.is_dir():
            raise UsageError(f"{self.dest.parent}: no such folder; make it first")
        short = self.dest.name.encode()[:180].decode(errors="ignore")  # a name has at most 255 bytes
        self._stem = f".{short}.partial-"
        self.partial = self._new_name()
        self._say = say
        self._lock: int | None = None

    def _new_name(self) -> Path:
        return self.dest.with_name(self._stem + secrets.token_hex(8))

    def __enter__(self) -> Place:
        try:
            self._remove_abandoned()
            self._make()
            while not self._hold():  # another export of the same took it for abandoned, in the moment between making and locking it
                self.partial = self._new_name()
                self._make()
        except OSError as error:
            raise DestinationError(f"{self.partial}: {error.strerror}") from error
        return self

    def _make(self) -> None:
        if self._folder:
            self.partial.mkdir(mode=0o700)
        else:
            os.close(os.open(self.partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))

    def _hold(self) -> bool:
        try:
            self._lock = _locked(self.partial)
        except OSError:
            return True  # no locks here: nobody removes anybody's then
        return self._lock is not None and os.path.lexists(self.partial)

    def _remove_abandoned(self) -> None:
        removed = 0
        named = re.compile(re.escape(self._stem) + r"[0-9a-f]{16}\Z")
        for path in list(self.dest.parent.iterdir()):
            if named.match(path.name) and not path.is_symlink():
                with suppress(OSError):  # somebody else's: it stays
                    lock = _locked(path)
                    if lock is not None:
                        _remove(path)
                        os.close(lock)
                        removed += 1
        if removed:
            self._say(f"removed {removed} unfinished beside {self.dest}, left by what was cut off; this begins anew")

    def publish(self) -> None:
        """Make everything durable, then let it appear. Raises DestinationError if something has come to stand there meanwhile."""
        try:
            if self._lock is not None and not stands_at(self._lock, self.partial):
                raise FileExistsError(errno.EEXIST, "something else was put in the place of what was written")
            if self._folder:
                for folder, _, _ in os.walk(os.fsencode(self.partial)):
                    os.chmod(folder, 0o755)  # noqa: S103  until now they were nobody else's business
                os.sync()
                os.rename(self.partial, self.dest)  # over an empty folder at most
            else:
                descriptor = os.open(self.partial, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
                self._link()
            sync_folder(self.dest.parent)
        except OSError as error:
            raise DestinationError(f"{self.dest}: could not be put in place: {error.strerror}") from error

    def _link(self) -> None:
        try:
            os.link(self.partial, self.dest)
            os.unlink(self.partial)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            # No hard links here (exFAT). Between the look and the move another program could put something there: all that is left.
            if os.path.lexists(self.dest):
                raise FileExistsError(errno.EEXIST, "something stands there") from error
            os.rename(self.partial, self.dest)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        if self._folder:
            shutil.rmtree(self.partial, ignore_errors=True)
        else:
            self.partial.unlink(missing_ok=True)
        if self._lock is not None:
            os.close(self._lock)


def _locked(path: Path) -> int | None:
    """A descriptor that holds the lock on a file or folder; None if somebody else has it. Raises OSError, also where there are no locks."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)

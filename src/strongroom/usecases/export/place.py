"""Where an export is written until it is complete, and how it appears: whole, at once, and never over anything."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from pathlib import Path
from types import TracebackType

from strongroom.core.errors import DestinationError, UsageError

_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class Place:
    """A context manager: `partial` is a new empty file or folder beside `dest`; leaving without `publish` removes it."""

    def __init__(self, dest: Path, *, folder: bool) -> None:
        self.dest = Path(os.path.abspath(dest))
        self._folder = folder
        empty = folder and self.dest.is_dir() and not self.dest.is_symlink() and not any(self.dest.iterdir())
        if os.path.lexists(self.dest) and not empty:
            raise UsageError(f"{self.dest}: exists, and nothing is ever overwritten; name another place")
        if not self.dest.parent.is_dir():
            raise UsageError(f"{self.dest.parent}: no such folder; make it first")
        short = self.dest.name.encode()[:180].decode(errors="ignore")  # a name has at most 255 bytes
        self.partial = self.dest.with_name(f".{short}.partial-{secrets.token_hex(8)}")

    def __enter__(self) -> Place:
        try:
            if self._folder:
                self.partial.mkdir(mode=0o700)
            else:
                os.close(os.open(self.partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
        except OSError as error:
            raise DestinationError(f"{self.partial}: {error.strerror}") from error
        return self

    def publish(self) -> None:
        """Make everything durable, then let it appear. Raises DestinationError if something has come to stand there meanwhile."""
        try:
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
            self._sync_parent()
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

    def _sync_parent(self) -> None:
        descriptor = os.open(self.dest.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        if self._folder:
            shutil.rmtree(self.partial, ignore_errors=True)
        else:
            self.partial.unlink(missing_ok=True)

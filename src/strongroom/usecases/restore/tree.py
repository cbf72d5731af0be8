"""A folder that is written into and never left: every name is reached through descriptors of folders, and no link is followed.

A bag may be hostile: it can name a link and then a file below it. `openat` with O_NOFOLLOW at every step makes that an error rather
than a file somewhere else.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections import OrderedDict
from typing import Final, Self

#: Folders kept open at once, well below the usual limit of 1024 descriptors.
_OPEN: Final = 128
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Tree:
    """Writes below `root`, which exists and is no link. All methods raise OSError; paths are bytes relative to the root, b"" itself."""

    def __init__(self, root: str | bytes | os.PathLike[str]) -> None:
        self._root = os.open(root, _FOLDER)
        self._folders: OrderedDict[bytes, int] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        for fd in self._folders.values():
            os.close(fd)
        self._folders.clear()
        os.close(self._root)

    def folder(self, path: bytes, *, create: bool = True) -> int:
        """A descriptor of a folder, owned by this object. Folders made on the way are private until they get their own modes."""
        if not path:
            return self._root
        fd = self._folders.get(path)
        if fd is not None:
            self._folders.move_to_end(path)
            return fd
        parent, name = self._parent(path, create=create)
        if create:
            with contextlib.suppress(FileExistsError):  # opening it tells whether it is a folder
                os.mkdir(name, 0o700, dir_fd=parent)
        fd = os.open(name, _FOLDER, dir_fd=parent)
        self._folders[path] = fd
        if len(self._folders) > _OPEN:
            os.close(self._folders.popitem(last=False)[1])
        return fd

    def _parent(self, path: bytes, *, create: bool = True) -> tuple[int, bytes]:
        above, _, name = path.rpartition(b"/")
        return self.folder(above, create=create), name

    def make_folder(self, path: bytes) -> bool:
        """Make a folder; False if it is there already."""
        parent, name = self._parent(path)
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
        except FileExistsError:
            self.folder(path, create=False)
            return False
        return True

    def unlock(self, path: bytes) -> None:
        """Give the owner of a folder, if there is one, all permissions for as long as it is worked in."""
        found = self.stat(path)
        if found is not None and stat.S_ISDIR(found.st_mode):
            parent, name = self._parent(path, create=False)
            os.chmod(name, 0o700, dir_fd=parent)

    def create(self, path: bytes) -> int:
        """A new file opened for writing, in place of whatever file an interrupted run left there. The caller closes it."""
        parent, name = self._parent(path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            return os.open(name, flags, 0o600, dir_fd=parent)
        except FileExistsError:
            self._remove_file(parent, name)
            return os.open(name, flags, 0o600, dir_fd=parent)

    def resume(self, path: bytes) -> int:
        """A file opened for reading and writing, with what an interrupted run wrote into it. The caller closes it."""
        parent, name = self._parent(path)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            fd = os.open(name, flags, 0o600, dir_fd=parent)
        except PermissionError:
            self._remove_file(parent, name)  # finished, to all appearances, and yet not sound
            return os.open(name, flags, 0o600, dir_fd=parent)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise OSError(errno.EEXIST, "something that is no file stands there")
        return fd

    @staticmethod
    def _remove_file(parent: int, name: bytes) -> None:
        if not stat.S_ISREG(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            raise OSError(errno.EEXIST, "something that is no file stands there")
        os.unlink(name, dir_fd=parent)

    def open(self, path: bytes) -> int:
        """A file opened for reading, never blocking on a FIFO. The caller closes it."""
        parent, name = self._parent(path, create=False)
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)

    def remove(self, path: bytes) -> None:
        parent, name = self._parent(path, create=False)
        os.unlink(name, dir_fd=parent)

    def stat(self, path: bytes) -> os.stat_result | None:
        """What stands there, links not followed; None for nothing (or nothing that could be reached without following one)."""
        try:
            parent, name = self._parent(path, create=False)
            return os.stat(name, dir_fd=parent, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def link(self, path: bytes, points: bytes, mtime: int | None) -> None:
        """A symbolic link with its own modification time (ns). An equal one that is there already is fine."""
        parent, name = self._parent(path)
        try:
            os.symlink(points, name, dir_fd=parent)
        except FileExistsError:
            if self.read_link(path) != points:
                raise
        if mtime is not None:
            os.utime(name, ns=(mtime, mtime), dir_fd=parent, follow_symlinks=False)

    def read_link(self, path: bytes) -> bytes | None:
        """What a link points to; None if no link stands there."""
        try:
            parent, name = self._parent(path, create=False)
            return os.readlink(name, dir_fd=parent)
        except OSError:
            return None

    def move_here(self, other: Tree, path: bytes) -> None:
        """Move a file of another tree on the same file system to the same path here; FileExistsError rather than replace anything."""
        source, name = other._parent(path, create=False)
        target, _ = self._parent(path)
        try:
            os.link(name, name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
            os.unlink(name, dir_fd=source)
        except (PermissionError, NotImplementedError, OSError) as error:
            if getattr(error, "errno", None) not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
                raise
            # No hard links here (exFAT). Between the look and the move another program could put something there: all that is left.
            if self.stat(path) is not None:
                raise FileExistsError(errno.EEXIST, "something stands there") from error
            os.rename(name, name, src_dir_fd=source, dst_dir_fd=target)

"""Opening what lies in a file store, by descriptors, so that no link inside the store is ever followed."""

from __future__ import annotations

import errno
import os
import stat as modes
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final
from urllib.parse import quote

from strongroom.core.errors import NotFoundInStoreError, StoreRefusedError, WrongStoreError
from strongroom.core.keys import StoreKey
from strongroom.database.shared import this_machine
from strongroom.durable import sync_names
from strongroom.stores import posix
from strongroom.stores.keyspace import valid_key

TEMPORARY: Final = ".tmp"
_REMEMBERED_FOLDERS: Final = 20_000


class FileTree:
    """The folder of a file store. It must exist, and must stay the same one once it was used: when a disk is unplugged, the
    empty mount point that is left must not be taken for the store. The check survives pickling, and the way to another machine, where the
    same folder of a shared file system has the same inode on another device."""

    def __init__(self, root: str) -> None:
        self.root = os.path.abspath(root)
        self.url = "file://" + quote(os.fsencode(self.root))
        self._identity: tuple[int, int] | None = None  # device and inode
        self._machine = this_machine()  # whose device that is
        self._durable: set[str] = set()  # folders whose own names are known to be synced

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_durable": set()}

    def place(self, key: StoreKey | str) -> str:
        return f"{self.url}/{key}"

    def missing(self, key: StoreKey | str) -> NotFoundInStoreError:
        return NotFoundInStoreError(f"{self.url}: no {key}")

    @contextmanager
    def open_root(self) -> Iterator[int]:
        absent = WrongStoreError(f"{self.url}: no folder is there. Is the disk plugged in and mounted? "
                                 "A new store is made with `strongroom store init`")
        with posix.translated(self.url, absent):
            try:
                root = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)  # the root itself may be a link
            except NotADirectoryError:
                raise absent from None
        with posix.closing(root):
            found = os.fstat(root)
            identity = (found.st_dev, found.st_ino)
            if self._identity is None:
                self._identity = identity
            elif self._identity != identity and (self._machine == this_machine() or self._identity[1] != identity[1]):
                raise WrongStoreError(f"{self.url}: another folder lies there than when the store was opened. Was the disk unplugged?")
            yield root

    @contextmanager
    def open_temporaries(self, root: int) -> Iterator[int]:
        with posix.translated(self.place(TEMPORARY)):
            with suppress(FileExistsError):
                os.mkdir(TEMPORARY, dir_fd=root)
            folder = os.open(TEMPORARY, posix.FOLDER, dir_fd=root)
        with posix.closing(folder):
            yield folder

    def open_folder(self, root: int, path: str) -> int:
        """A descriptor of folder `path` ("" or "a/b"). FileNotFoundError if there is none, OSError ELOOP if a link is in the way."""
        current = os.dup(root)
        for segment in path.split("/") if path else ():
            with posix.closing(current):
                try:
                    current = os.open(segment, posix.FOLDER, dir_fd=current)
                except NotADirectoryError:
                    linked = modes.S_ISLNK(os.lstat(segment, dir_fd=current).st_mode)
                    raise OSError(errno.ELOOP if linked else errno.ENOENT, "not a folder", path) from None
        return current

    def open_file(self, root: int, key: StoreKey) -> int:
        """A descriptor of the regular file at `key`. FileNotFoundError for anything else (a link, a FIFO, which is not waited for)."""
        parent, _, name = key.text.rpartition("/")
        with posix.closing(self.open_folder(root, parent)) as folder:
            try:
                descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENXIO):  # a link, a socket
                    raise FileNotFoundError(errno.ENOENT, "not a regular file", key.text) from error
                raise
        if not modes.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise FileNotFoundError(errno.ENOENT, "not a regular file", key.text)
        return descriptor

    def make_folders(self, root: int, path: str) -> int:
        """A descriptor of folder `path`, made where it is missing, with durable names all the way down."""
        current = os.dup(root)
        done = ""
        for segment in path.split("/") if path else ():
            done += "/" + segment
            with posix.closing(current):
                made = _make(segment, current)
                deeper = os.open(segment, posix.FOLDER, dir_fd=current)
                if made or done not in self._durable:  # one made by another writer counts only once it is synced
                    try:
                        sync_names(current)
                    except BaseException:
                        os.close(deeper)
                        raise
                    self._remember(done)
            current = deeper
        return current

    def entries(self, folder: str) -> list[tuple[str, int]]:
        """Path and size of what lies in `folder` ("" or "a/b/") and could be or hold a key, in byte order of keys.
        Subfolders end in "/"."""
        found = []
        with (
            self.open_root() as root, posix.translated(self.place(folder)), suppress(FileNotFoundError),
            posix.closing(self.open_folder(root, folder[:-1])) as descriptor, os.scandir(descriptor) as entries,
        ):
            for entry in entries:
                if valid_key(entry.name) is None:
                    continue
                with suppress(FileNotFoundError):  # vanished meanwhile
                    if self._is_folder(entry, folder):
                        found.append((f"{folder}{entry.name}/", 0))
                    elif entry.is_file(follow_symlinks=False):
                        found.append((folder + entry.name, entry.stat(follow_symlinks=False).st_size))
        return sorted(found)

    def _is_folder(self, entry: os.DirEntry[str], folder: str) -> bool:
        if entry.is_symlink() and not entry.is_file():
            # Left out, a linked folder would make everything in it look missing.
            raise StoreRefusedError(f"{self.place(folder + entry.name)} is a link; links inside a store are never followed. "
                                    "Put the folder itself there")
        return entry.is_dir(follow_symlinks=False)

    def _remember(self, folder: str) -> None:
        if len(self._durable) >= _REMEMBERED_FOLDERS:
            self._durable.clear()
        self._durable.add(folder)


def _make(name: str, parent: int) -> bool:
    try:
        os.mkdir(name, dir_fd=parent)
    except FileExistsError:
        return False
    return True

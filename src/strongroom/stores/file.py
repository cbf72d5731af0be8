"""A store in a folder. A key is the relative path of a regular file; temporaries lie in `.tmp/` (docs/format.md, sections 1 and 1.1)."""

from __future__ import annotations

import errno
import os
import stat as modes
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from typing import IO, Final

from strongroom.core.digests import Digest
from strongroom.core.errors import KeyExistsError, StoreRefusedError
from strongroom.core.ids import new_id
from strongroom.core.keys import StoreKey
from strongroom.core.retention import Lock
from strongroom.core.warmth import State, Tier, Warmth
from strongroom.durable import sync_names
from strongroom.stores import posix
from strongroom.stores.checked import CHUNK, check_bytes, checked_chunks
from strongroom.stores.file_tree import TEMPORARY, FileTree
from strongroom.stores.filesystems import file_system_of
from strongroom.stores.interface import Capabilities, Reader, Stat
from strongroom.stores.keyspace import split_prefix, valid_key
from strongroom.stores.reader import BoundedReader

_MODE: Final = 0o444  # sealed is sealed: no editor should save over a stored file by accident
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class FileStore:
    """The root must exist: it is never made here."""

    def __init__(self, root: str) -> None:
        self._tree = FileTree(root)

    @property
    def url(self) -> str:
        return self._tree.url

    @cached_property
    def capabilities(self) -> Capabilities:
        system = file_system_of(self._tree.root)
        # create_only holds by construction: where there is no way to publish without replacing, a write is an error.
        return Capabilities(
            create_only=True, checks_sha256=True, ranges=True, max_object=system.max_file, late_naming=True, notes=system.notes
        )

    # -- writing

    def put(self, key: StoreKey, data: bytes | bytearray | memoryview, *, sha256: Digest) -> None:
        check_bytes(key, data, sha256)
        self._refuse_existing(key)
        self._create([data], lambda: key)

    def put_stream(self, key: StoreKey, source: IO[bytes], length: int, *, sha256: Digest) -> None:
        self._refuse_existing(key)
        self._create(checked_chunks(key, source, length, sha256), lambda: key)

    def receive(self, source: IO[bytes], name: Callable[[], tuple[StoreKey, Digest]]) -> StoreKey:
        return self._create(iter(lambda: source.read(CHUNK), b""), lambda: name()[0])

    def _create(self, chunks: Iterable[bytes | bytearray | memoryview], name: Callable[[], StoreKey]) -> StoreKey:
        """Write, sync, publish, sync the folder. Whatever fails, no name but the temporary's was ever given."""
        with self._tree.open_root() as root, self._tree.open_temporaries(root) as folder:
            temporary = f"{os.getpid()}-{new_id()}"
            place = self._tree.place(f"{TEMPORARY}/{temporary}")
            try:
                with posix.translated(place):
                    descriptor = os.open(temporary, _NEW, _MODE, dir_fd=folder)
                with posix.closing(descriptor):
                    for chunk in chunks:  # an error of the source itself passes as it is
                        with posix.translated(place):
                            posix.write_all(descriptor, chunk)
                    with posix.translated(place):
                        os.fsync(descriptor)
                key = name()
                self._publish(root, temporary, folder, key)
            except BaseException:
                with suppress(OSError):
                    os.unlink(temporary, dir_fd=folder)
                raise
            return key

    def _publish(self, root: int, temporary: str, folder: int, key: StoreKey) -> None:
        parent, _, name = key.text.rpartition("/")
        with posix.translated(self._tree.place(key)), posix.closing(self._tree.make_folders(root, parent)) as target:
            try:
                posix.publish(temporary, folder, name, target)
            except FileExistsError:
                sync_names(target)  # the other writer may not have come to it yet, and the caller will rely on the key
                raise self._exists(key) from None
            sync_names(target)

    def _refuse_existing(self, key: StoreKey) -> None:
        """Spares writing what would be refused at the end. Decides nothing: two writers may both pass."""
        parent, _, name = key.text.rpartition("/")
        with self._tree.open_root() as root, posix.translated(self._tree.place(key)), suppress(FileNotFoundError):
            with posix.closing(self._tree.open_folder(root, parent)) as folder:
                os.lstat(name, dir_fd=folder)
            with posix.closing(self._tree.make_folders(root, parent)) as folder:
                sync_names(folder)
            raise self._exists(key)

    def _exists(self, key: StoreKey) -> KeyExistsError:
        return KeyExistsError(f"{self.url}: {key} exists already")

    # -- reading

    def get(self, key: StoreKey, start: int = 0, length: int | None = None, *, uncached: bool = False) -> Reader:
        place = self._tree.place(key)
        with self._tree.open_root() as root, posix.translated(place, self._tree.missing(key)):
            file = os.fdopen(self._tree.open_file(root, key), "rb", buffering=0)
        try:
            with posix.translated(place):
                left = max(0, os.fstat(file.fileno()).st_size - start)
                left = left if length is None else min(left, length)
                if uncached:
                    posix.drop_cache(file.fileno(), start, left)
                file.seek(start)
        except BaseException:
            file.close()
            raise
        return BoundedReader(file, left, place, lambda: posix.translated(place))

    def head(self, key: StoreKey) -> Stat:
        with (
            self._tree.open_root() as root, posix.translated(self._tree.place(key), self._tree.missing(key)),
            posix.closing(self._tree.open_file(root, key)) as descriptor,
        ):
            return Stat(key, os.fstat(descriptor).st_size)

    def list(self, prefix: str = "") -> Iterator[Stat]:
        """Holds in memory the names of one folder and of those above it."""
        parts = split_prefix(prefix)
        if parts is None:
            return
        waiting = [entry for entry in reversed(self._tree.entries(parts[0])) if entry[0].startswith(prefix)]
        while waiting:
            path, size = waiting.pop()
            if path.endswith("/"):
                waiting += reversed(self._tree.entries(path))
            elif (key := valid_key(path)) is not None:
                yield Stat(key, size)

    def list_folders(self, prefix: str) -> Iterator[str]:
        entries = self._tree.entries(prefix) if split_prefix(prefix) == (prefix, "") else []
        for name in sorted(path[len(prefix) : -1] for path, _ in entries if path.endswith("/")):
            if next(self.list(f"{prefix}{name}/"), None):  # an empty folder is what a crash left, not part of the key space
                yield name

    # -- tending

    def delete(self, key: StoreKey) -> None:
        parent, _, name = key.text.rpartition("/")
        with (
            self._tree.open_root() as root, posix.translated(self._tree.place(key), self._tree.missing(key)),
            posix.closing(self._tree.open_folder(root, parent)) as folder,
        ):
            if modes.S_ISDIR(os.lstat(name, dir_fd=folder).st_mode):
                raise FileNotFoundError(errno.ENOENT, "a folder is no key", key.text)
            os.unlink(name, dir_fd=folder)

    def erase(self, key: StoreKey) -> bool:
        self.delete(key)
        return True

    def lock(self, key: StoreKey, *, every_version: bool = False) -> Lock | None:
        self.head(key)
        return None

    def retain(self, key: StoreKey, lock: Lock) -> None:
        self.head(key)
        raise StoreRefusedError(f"{self.url}: a folder keeps nothing from being removed; only a bucket with Object Lock does")

    def warmth(self, key: StoreKey) -> Warmth:
        return Warmth("STANDARD", State.WARM, self.head(key).size)

    def thaw(self, key: StoreKey, warmth: Warmth, tier: Tier, days: int) -> None:
        self.head(key)

    def tidy(self, older_than_seconds: float) -> int:
        limit = time.time() - older_than_seconds
        removed = 0
        with (
            self._tree.open_root() as root, posix.translated(self._tree.place(TEMPORARY)), suppress(FileNotFoundError),
            posix.closing(os.open(TEMPORARY, posix.FOLDER, dir_fd=root)) as folder, os.scandir(folder) as entries,
        ):
            for entry in entries:
                with suppress(FileNotFoundError):
                    if entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_mtime <= limit:
                        os.unlink(entry.name, dir_fd=folder)
                        removed += 1
        return removed

    def free_bytes(self) -> int | None:
        with self._tree.open_root() as root, posix.translated(self.url):
            space = os.fstatvfs(root)
        return space.f_bavail * space.f_frsize

    def check_key_space(self) -> tuple[str, ...]:
        """Also tries, in `.tmp/`, how files are published here. Raises StoreError if there is no way that replaces nothing."""
        first, second = f"try-{new_id()}", f"try-{new_id()}"
        limits = self.capabilities.notes
        with self._tree.open_root() as root, self._tree.open_temporaries(root) as folder, posix.translated(self._tree.place(TEMPORARY)):
            os.close(os.open(first, _NEW, _MODE, dir_fd=folder))
            try:
                os.link(first, second, src_dir_fd=folder, dst_dir_fd=folder)
            except OSError:
                posix.rename_new(first, folder, second, folder)
                limits += ("no hard links here: files are published by a rename that refuses to replace",)
            finally:
                for name in (first, second):
                    with suppress(FileNotFoundError):
                        os.unlink(name, dir_fd=folder)
        return limits

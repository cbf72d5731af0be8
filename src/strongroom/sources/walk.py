"""Walking a folder: what is in it, without opening a single file."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator

from strongroom.core.errors import SourceError, UsageError
from strongroom.core.findings import Code, Finding
from strongroom.core.litter import is_litter
from strongroom.sources.interface import Entry, Kind, Rules
from strongroom.sources.reading import clamp


class Walk:
    """One walk over a source folder. Iterate over `entries()`, give `found` a place to report to.

    Never opens a file, never follows a link but under `symlinks: follow`, and then never out of the source nor in a circle.
    """

    def __init__(self, root: bytes, rules: Rules, found: Callable[[Finding], None]) -> None:
        self._root = root
        self._real_root = os.path.realpath(root)
        self._rules = rules
        self._apart = os.path.relpath(os.path.realpath(os.fsencode(rules.ours)), self._real_root)
        self._found = found
        self._followed: set[tuple[int, int]] = set()  # folders that a link was followed to

    def entries(self) -> Iterator[Entry]:
        """Everything below the source and the source itself, in no particular order. Raises UsageError if it is no folder, SourceError
        if it cannot be read."""
        try:
            info = os.stat(self._root)
            if not stat.S_ISDIR(info.st_mode):
                root = os.fsdecode(self._root)
                raise UsageError(f"source {root}: not a folder. If it is a bag in a file (tar, tar.gz, zip), run "
                                 f"`strongroom import {root}`: it becomes the next version of its collection, if it changed")
            with os.scandir(self._root):
                pass
        except OSError as error:
            hint = "is the disk that holds it attached?" if isinstance(error, FileNotFoundError) else "check its permissions"
            raise SourceError(f"source {os.fsdecode(self._root)}: cannot be read: {error.strerror}; {hint}") from error
        yield _entry(Kind.DIRECTORY, b"", info)
        # (path below the source, (device, inode) of every folder above it: only links that are followed can lead back to one)
        pending: list[tuple[bytes, frozenset[tuple[int, int]]]] = [(b"", frozenset({(info.st_dev, info.st_ino)}))]
        while pending:
            folder, above = pending.pop()
            for entry, seen in self._folder(folder):
                if entry.kind is Kind.DIRECTORY and seen is not None:
                    identity = (seen.st_dev, seen.st_ino)
                    if identity in above:
                        self._find(Code.SOURCE_LINK_LOOP, entry.name, "a link that leads back to a folder above it; not followed")
                        yield Entry(Kind.EXCLUDED, entry.name, reason="special-file")
                        continue
                    pending.append((entry.name, above | {identity} if self._rules.symlinks == "follow" else above))
                yield entry

    def _folder(self, folder: bytes) -> Iterator[tuple[Entry, os.stat_result | None]]:
        try:
            items = os.scandir(self._path(folder))
        except OSError as error:
            self._find(Code.SOURCE_UNREADABLE, folder, f"a folder that cannot be read: {error.strerror}; nothing in it was archived")
            yield Entry(Kind.EXCLUDED, folder, reason="unreadable"), None
            return
        with items:
            for item in items:
                name = folder + b"/" + item.name if folder else item.name
                yield self._judge(item, name)

    def _judge(self, item: os.DirEntry[bytes], name: bytes) -> tuple[Entry, os.stat_result | None]:
        if (is_litter(item.name) and not self._rules.whole) or name == self._apart:
            return Entry(Kind.EXCLUDED, name, reason="system-file"), None
        try:
            info = item.stat(follow_symlinks=False)
        except FileNotFoundError:
            self._find(Code.SOURCE_VANISHED, name, "vanished during the scan")
            return Entry(Kind.EXCLUDED, name, reason="changing"), None
        except OSError as error:
            self._find(Code.SOURCE_UNREADABLE, name, f"cannot be looked at: {error.strerror}")
            return Entry(Kind.EXCLUDED, name, reason="unreadable"), None
        is_folder = stat.S_ISDIR(info.st_mode)
        if self._rules.excluded(name + b"/" if is_folder else name) or not (is_folder or self._rules.wanted(name)):
            return Entry(Kind.EXCLUDED, name, reason="pattern"), None
        if stat.S_ISLNK(info.st_mode):
            return self._link(name, info)
        if is_folder:
            return _entry(Kind.DIRECTORY, name, info), info
        if stat.S_ISREG(info.st_mode):
            return _entry(Kind.FILE, name, info), info
        self._find(Code.SOURCE_SPECIAL_FILE, name, f"a {_KINDS.get(stat.S_IFMT(info.st_mode), 'special file')}; listed, not archived")
        return Entry(Kind.EXCLUDED, name, reason="special-file"), None

    def _link(self, name: bytes, info: os.stat_result) -> tuple[Entry, os.stat_result | None]:
        path = self._path(name)
        try:
            recorded = Entry(Kind.SYMLINK, name, mtime=clamp(info.st_mtime_ns), target=os.readlink(path))
        except OSError:
            self._find(Code.SOURCE_VANISHED, name, "a link that vanished or changed during the scan")
            return Entry(Kind.EXCLUDED, name, reason="changing"), None
        if self._rules.symlinks == "refuse":
            self._find(Code.SOURCE_SYMLINK, name, "a symbolic link, and the collection manifest says `symlinks: refuse`")
            return recorded, None
        if self._rules.symlinks == "record":
            return recorded, None
        real = os.path.realpath(path)
        if real != self._real_root and not real.startswith(self._real_root.rstrip(b"/") + b"/"):
            target = os.fsdecode(recorded.target)
            self._find(Code.SOURCE_LINK_ESCAPES, name, f"links out of the source to {target!r}; recorded, not followed")
            return recorded, None
        try:
            info = os.stat(path)
        except OSError:
            return recorded, None  # dangling, or a circle of links: kept as the link it is
        if stat.S_ISDIR(info.st_mode):
            identity = (info.st_dev, info.st_ino)
            if identity in self._followed:
                return recorded, None  # once is enough; folders that link to each other would multiply without end
            self._followed.add(identity)
            return _entry(Kind.DIRECTORY, name, info), info
        return (_entry(Kind.FILE, name, info), info) if stat.S_ISREG(info.st_mode) else (recorded, None)

    def _path(self, name: bytes) -> bytes:
        return self._root + b"/" + name if name else self._root

    def _find(self, code: Code, name: bytes, message: str) -> None:
        self._found(Finding(code, os.fsdecode(self._path(name)), message))


_KINDS = {stat.S_IFIFO: "FIFO", stat.S_IFSOCK: "socket", stat.S_IFCHR: "character device", stat.S_IFBLK: "block device"}


def _entry(kind: Kind, name: bytes, info: os.stat_result) -> Entry:
    return Entry(kind, name, info.st_size, clamp(info.st_mtime_ns), clamp(info.st_ctime_ns), info.st_ino, stat.S_IMODE(info.st_mode))


"""Everything that lies in the bag, without opening or following anything."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from strongroom.core.bag.paths import collision_key
from strongroom.core.findings import Code, Finding
from strongroom.usecases.verify.bag import Bag, unreadable
from strongroom.usecases.verify.index import BATCH

_Row = tuple[bytes, int, bool, bytes, bytes | None]
_KINDS = {stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


def check_contents(bag: Bag) -> Iterator[Finding]:
    """Fill the index with the regular files of the bag; report links, special files, empty and unreadable folders."""
    rows: list[_Row] = []
    folders = [b""]
    while folders:
        folder = folders.pop()
        empty = True
        try:
            with os.scandir(os.path.join(bag.root, folder)) as entries:
                for entry in entries:
                    empty = False
                    path = os.path.join(folder, entry.name)
                    yield from _look(bag, path, rows, folders)
                    if len(rows) >= BATCH:
                        bag.index.add("files", rows)
                        rows.clear()
        except OSError as error:
            yield unreadable(folder or b".", error)
            continue
        if empty and folder.startswith(b"data/"):
            yield Finding(Code.BAG_WARNING, os.fsdecode(folder), "is an empty folder, which no manifest can hold")
    bag.index.add("files", rows)
    bag.index.execute("CREATE INDEX files_fold ON files(fold)")


def _look(bag: Bag, path: bytes, rows: list[_Row], folders: list[bytes]) -> Iterator[Finding]:
    try:
        status = os.lstat(os.path.join(bag.root, path))
    except OSError as error:
        yield unreadable(path, error)
        return
    kind = stat.S_IFMT(status.st_mode)
    if kind == stat.S_IFDIR:
        folders.append(path)
    elif kind == stat.S_IFREG:
        rows.append((path, status.st_size, path.startswith(b"data/"), collision_key(path), None))
    elif kind == stat.S_IFLNK:
        row, finding = _link(bag, path)
        rows += [row] if row else []
        yield finding
    else:
        yield Finding(Code.BAG_SPECIAL_FILE, os.fsdecode(path), f"is {_KINDS.get(kind, 'no regular file')}; not opened")


def _link(bag: Bag, path: bytes) -> tuple[_Row | None, Finding]:
    """A link to a regular file inside the bag stands for that file, with a warning; any other link is an error."""
    place = os.fsdecode(path)
    payload = path.startswith(b"data/") or path == b"data"
    try:
        real = os.path.realpath(os.path.join(bag.root, path), strict=True)
        status = os.lstat(real)
    except OSError as error:
        return None, Finding(Code.BAG_SPECIAL_FILE, place, f"is a symbolic link that leads nowhere ({error.strerror})")
    root = os.path.realpath(bag.root)
    if not real.startswith(root.rstrip(b"/") + b"/"):
        return None, Finding(Code.BAG_SPECIAL_FILE, place, "is a symbolic link that leaves the bag; not followed")
    inside = os.path.relpath(real, root)
    if stat.S_ISREG(status.st_mode) and inside.startswith(b"data/") == payload:
        row = (path, status.st_size, payload, collision_key(path), inside)
        return row, Finding(Code.BAG_WARNING, place, f"is a symbolic link to {os.fsdecode(inside)}; other systems may lose it")
    return None, Finding(Code.BAG_SPECIAL_FILE, place, "is a symbolic link to something that cannot stand in its place; not followed")

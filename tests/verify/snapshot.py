"""A full picture of a folder, to show that nothing in it was touched."""

from __future__ import annotations

import os
from pathlib import Path


def snapshot(root: Path) -> list[tuple[object, ...]]:
    """Every path with its type, mode, size, times (but for the last access), link target and bytes."""
    picture: list[tuple[object, ...]] = []
    top = os.fsencode(root)
    for folder, folders, files in os.walk(top):
        for name in [b"", *folders, *files]:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            what: object = None
            if os.path.islink(path):
                what = os.readlink(path)
            elif os.path.isfile(path) and os.access(path, os.R_OK):
                what = Path(os.fsdecode(path)).read_bytes()
            picture.append((os.path.relpath(path, top), status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns, what))
    return sorted(picture, key=repr)

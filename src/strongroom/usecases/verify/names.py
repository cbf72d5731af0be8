"""Names that are legal but dangerous: taken for one another elsewhere, or left by an operating system."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from strongroom.core.findings import Code, Finding
from strongroom.core.ids import is_reserved_name
from strongroom.usecases.verify.bag import Bag

_SYSTEM = re.compile(
    rb"(?:.*/)?(?:\.DS_Store|\._[^/]*|\.Spotlight-V100|\.Trashes|__MACOSX|(?:eh)?thumbs\.db|desktop\.ini)(?:/.*)?\Z", re.I | re.S
)
_COLLIDING = """
SELECT fold, path FROM files WHERE fold IN (SELECT fold FROM files GROUP BY fold HAVING count(*) > 1) ORDER BY fold, path
"""


def check_names(bag: Bag) -> Iterator[Finding]:
    previous: tuple[bytes, bytes] | None = None
    for fold, path in bag.index.rows(_COLLIDING):
        if previous is not None and previous[0] == fold:
            yield Finding(
                Code.BAG_NAMES_COLLIDE, os.fsdecode(path),
                f"differs from {os.fsdecode(previous[1])} only in case or Unicode normalisation; some file systems keep only one of them",
            )
        previous = (fold, path)
    for path, in bag.index.rows("SELECT path FROM files"):
        if _SYSTEM.match(path):
            yield Finding(Code.BAG_WARNING, os.fsdecode(path), "was left by an operating system, which may change or remove it unasked")
        elif any(map(_is_refused_by_windows, path.split(b"/"))):
            what = "has a name that Windows cannot hold: reserved, or with a full stop or blank last"
            yield Finding(Code.BAG_WARNING, os.fsdecode(path), what)
        elif not _is_utf8(path):
            yield Finding(Code.BAG_WARNING, os.fsdecode(path), "has a name that is not UTF-8, which few manifests can hold")


def _is_refused_by_windows(segment: bytes) -> bool:
    return segment.endswith((b".", b" ")) or is_reserved_name(os.fsdecode(segment))


def _is_utf8(path: bytes) -> bool:
    if path.isascii():
        return True
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return True

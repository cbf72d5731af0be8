"""Every listed file is there, and every payload file is listed (RFC 8493, 3)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from sys import intern

from strongroom.core.bag.declaration import LATEST
from strongroom.core.findings import Code, Finding
from strongroom.usecases.verify.bag import Bag

_MISSING = """
SELECT e.path, min(e.spelled), group_concat(DISTINCT m.name), EXISTS (SELECT 1 FROM fetch WHERE fetch.path = e.path)
FROM entries e JOIN manifests m ON m.id = e.manifest
WHERE NOT EXISTS (SELECT 1 FROM files f WHERE f.path = e.path) GROUP BY e.path
"""
_UNLISTED = """
SELECT f.path, group_concat(DISTINCT e.manifest) FROM files f
LEFT JOIN entries e ON e.path = f.path AND e.manifest IN (SELECT id FROM manifests WHERE NOT tag)
WHERE f.payload GROUP BY f.path HAVING count(DISTINCT e.manifest) < ?
"""


def check_missing(bag: Bag) -> Iterator[Finding]:
    for path, spelled, names, fetched in bag.index.rows(_MISSING):
        place = os.fsdecode(path)
        if fetched:
            yield Finding(Code.BAG_FILE_MISSING, place, "stands in fetch.txt and was not fetched: the bag is incomplete")
        else:
            message = f"is listed in {names} but is not there{_hint(bag, path, spelled)}"
            yield Finding(Code.BAG_FILE_MISSING, place, intern(message))  # a million of them may share it


def _hint(bag: Bag, path: bytes, spelled: bytes) -> str:
    if path != spelled and bag.has(os.fsdecode(spelled)):
        return f"; {os.fsdecode(spelled)} is, but BagIt 1.0 writes its percent sign as %25"
    if b"\\" in path and bag.has(os.fsdecode(path.replace(b"\\", b"/"))):
        return "; with '/' for the backslash it is, and BagIt allows no other separator"
    if os.path.isdir(os.path.join(bag.root, path)):
        return " as a file: it is a folder"
    return ""


def check_unlisted(bag: Bag) -> Iterator[Finding]:
    """Since 1.0 every manifest lists every payload file; before, one was enough."""
    manifests = dict(bag.index.rows("SELECT id, name FROM manifests WHERE NOT tag"))
    for path, listed in bag.index.rows(_UNLISTED, len(manifests)):
        having = {int(number) for number in listed.split(",")} if listed else set()
        without = ", ".join(name for number, name in manifests.items() if number not in having)
        excused = having and bag.declaration.version < LATEST
        yield Finding(Code.BAG_WARNING if excused else Code.BAG_FILE_UNLISTED, os.fsdecode(path), intern(f"is not listed in {without}"))

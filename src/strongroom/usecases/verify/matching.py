"""Entries whose file lies under another spelling of its name are led to it, before anything is called missing."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator

from strongroom.core.bag.declaration import LATEST
from strongroom.core.bag.paths import collision_key
from strongroom.core.findings import Code, Finding
from strongroom.usecases.verify.bag import Bag

_LOST = """
SELECT e.rowid, m.name, e.line, e.path, e.spelled FROM entries e JOIN manifests m ON m.id = e.manifest
WHERE NOT EXISTS (SELECT 1 FROM files f WHERE f.path = e.path)
"""


def check_matching(bag: Bag) -> Iterator[Finding]:
    """Two spellings are tolerated, because file systems and old tools change them without changing the file.

    A name in another Unicode normalisation (RFC 8493, 6.2) gets a warning. Before BagIt 1.0, "%0A" may also stand for itself.
    """
    bag.index.add("aliases", _aliases(bag))
    bag.index.execute("CREATE INDEX aliases_entry ON aliases(entry)")
    moved = """
    SELECT m.name, e.line, e.path, a.path FROM aliases a JOIN entries e ON e.rowid = a.entry JOIN manifests m ON m.id = e.manifest
    """
    for name, line, listed, path in bag.index.rows(moved):
        if not listed.isascii():
            yield Finding(
                Code.BAG_NAMES_COLLIDE, f"{name}, line {line}",
                f"the file is {os.fsdecode(path)} on disk, in another Unicode normalisation than listed here",
            )
    bag.index.execute(
        "UPDATE entries SET path = (SELECT path FROM aliases WHERE entry = entries.rowid) WHERE rowid IN (SELECT entry FROM aliases)"
    )


def _aliases(bag: Bag) -> Iterator[tuple[int, bytes]]:
    literal = bag.declaration.version < LATEST
    for row, _name, _line, path, spelled in bag.index.rows(_LOST):
        if literal and path != spelled and bag.has(os.fsdecode(spelled)):
            yield row, spelled
        elif not path.isascii():
            wanted = unicodedata.normalize("NFC", os.fsdecode(path))
            for (candidate,) in bag.index.rows("SELECT path FROM files WHERE fold=?", collision_key(path)):
                if unicodedata.normalize("NFC", os.fsdecode(candidate)) == wanted:
                    yield row, candidate
                    break

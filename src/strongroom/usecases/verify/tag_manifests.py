"""What the tag manifests list: every payload manifest, no tag manifest, and best every other tag file (RFC 8493, 2.2.1)."""

from __future__ import annotations

import os
from collections.abc import Iterator

from strongroom.core.bag.declaration import LATEST
from strongroom.core.findings import Code, Finding
from strongroom.usecases.verify.bag import Bag

_UNCOVERED = """
SELECT path FROM files f WHERE NOT payload AND path NOT IN (SELECT CAST(name AS BLOB) FROM manifests WHERE tag) AND NOT EXISTS
(SELECT 1 FROM entries e JOIN manifests m ON m.id = e.manifest WHERE m.tag AND e.path = f.path)
"""
_FORBIDDEN = """
SELECT t.name, e.line, o.name FROM entries e JOIN manifests t ON t.id = e.manifest
JOIN manifests o ON CAST(o.name AS BLOB) = e.path WHERE t.tag AND o.tag
"""
_PAYLOAD = """
SELECT t.name, e.line, e.path FROM entries e JOIN manifests t ON t.id = e.manifest
WHERE t.tag AND e.path >= CAST('data/' AS BLOB) AND e.path < CAST('data0' AS BLOB)
"""
_OMITTED = """
SELECT t.name, p.name FROM manifests t JOIN manifests p ON NOT p.tag WHERE t.tag AND NOT EXISTS
(SELECT 1 FROM entries e WHERE e.manifest = t.id AND e.path = CAST(p.name AS BLOB))
"""


def check_tag_manifests(bag: Bag) -> Iterator[Finding]:
    if not bag.index.one("SELECT count(*) FROM manifests WHERE tag"):
        yield Finding(Code.BAG_WARNING, "tagmanifest-sha256.txt", "there is no tag manifest: changes to tag files go unnoticed")
        return
    strict = Code.BAG_INVALID if bag.declaration.version >= LATEST else Code.BAG_WARNING
    for name, line, other in bag.index.rows(_FORBIDDEN):
        yield Finding(strict, f"{name}, line {line}", f"lists {other}; a tag manifest must not list tag manifests")
    for name, line, path in bag.index.rows(_PAYLOAD):
        yield Finding(strict, f"{name}, line {line}", f"lists {os.fsdecode(path)}, which is payload and no tag file")
    for name, payload in bag.index.rows(_OMITTED):
        yield Finding(strict, name, f"does not list {payload}; a tag manifest lists every payload manifest")
    for (path,) in bag.index.rows(_UNCOVERED):
        yield Finding(Code.BAG_WARNING, os.fsdecode(path), "is listed in no tag manifest: changes to it go unnoticed")

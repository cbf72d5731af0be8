"""fetch.txt is well-formed and lists only payload that the manifests know (RFC 8493, 2.2.3). Nothing is ever fetched."""

from __future__ import annotations

import os
from collections.abc import Iterator

from strongroom.core.bag.declaration import LATEST
from strongroom.core.bag.fetch import FetchEntry, parse_fetch_lines
from strongroom.core.bag.paths import judge_path
from strongroom.core.bag.problems import Problem
from strongroom.core.findings import Code, Finding
from strongroom.usecases.verify.bag import Bag, finding_of, unreadable
from strongroom.usecases.verify.index import BATCH
from strongroom.usecases.verify.manifests import path_bytes

_NAME = "fetch.txt"
_UNLISTED = """
SELECT x.line, x.path FROM fetch x WHERE (SELECT count(DISTINCT e.manifest) FROM entries e
WHERE e.path = x.path AND e.manifest IN (SELECT id FROM manifests WHERE NOT tag)) < ?
"""
_LENGTHS = "SELECT x.line, x.path, x.length, f.size FROM fetch x JOIN files f ON f.path = x.path WHERE f.size != x.length"
_TWICE = "SELECT min(line), path, count(*) FROM fetch GROUP BY path HAVING count(*) > 1"


def check_fetch(bag: Bag) -> Iterator[Finding]:
    if not bag.has(_NAME):
        return
    try:
        yield from _read(bag)
    except OSError as error:
        yield unreadable(_NAME, error)
    bag.index.execute("CREATE INDEX fetch_path ON fetch(path)")
    strict = bag.declaration.version >= LATEST
    manifests = bag.index.one("SELECT count(*) FROM manifests WHERE NOT tag")
    for line, path in bag.index.rows(_UNLISTED, manifests if strict else 1):
        code = Code.BAG_FILE_UNLISTED if strict else Code.BAG_WARNING
        yield Finding(code, f"{_NAME}, line {line}", f"{os.fsdecode(path)} is not listed in every payload manifest")
    for line, path, length, size in bag.index.rows(_LENGTHS):
        yield Finding(Code.BAG_WARNING, f"{_NAME}, line {line}", f"{os.fsdecode(path)} has {size} bytes, not {length}")
    for line, path, count in bag.index.rows(_TWICE):
        yield Finding(Code.BAG_WARNING, f"{_NAME}, line {line}", f"{os.fsdecode(path)} is listed {count} times")


def _read(bag: Bag) -> Iterator[Finding]:
    rows: list[tuple[bytes, int | None, int]] = []
    for item in parse_fetch_lines(bag.chunks(_NAME), version=bag.declaration.version, encoding=bag.declaration.encoding):
        if isinstance(item, Problem):
            yield finding_of(item, _NAME)
            continue
        yield from _judge(bag, item, rows)
        if len(rows) >= BATCH:
            bag.index.add("fetch", rows)
            rows.clear()
    bag.index.add("fetch", rows)


def _judge(bag: Bag, entry: FetchEntry, rows: list[tuple[bytes, int | None, int]]) -> Iterator[Finding]:
    place = f"{_NAME}, line {entry.line}"
    judged = judge_path(entry.path, payload=True)
    if judged.path is None and judged.error == "is not below data/" and bag.declaration.version < LATEST:
        # The drafts do not forbid it, and a file that no manifest lists is not needed.
        yield Finding(Code.BAG_WARNING, place, f"{entry.path[:200]!r} is not below data/; not looked at")
    elif judged.path is None:
        yield Finding(Code.BAG_PATH, place, f"{entry.path[:200]!r} {judged.error}; not looked at")
    else:
        rows.append((path_bytes(judged.path), entry.length, entry.line))
        yield from (Finding(Code.BAG_WARNING, place, f"the path {warning}") for warning in judged.warnings)
    if not entry.url.lower().startswith(("http://", "https://")):
        yield Finding(Code.BAG_WARNING, place, f"{entry.url[:200]!r} is no web address; it may mean something else elsewhere")

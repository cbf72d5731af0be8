"""What a bag that is valid for others may not be when it comes from a stranger."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Final

from strongroom.core.bag.fetch import parse_fetch_lines
from strongroom.core.bag.problems import Problem
from strongroom.core.findings import Code, Finding
from strongroom.usecases.verify.bag import Bag

#: Tag files of one bag; each becomes an object of its own.
MOST_TAG_FILES: Final = 10_000
MOST_TAG_BYTES: Final = 16 << 30
_NI: Final = re.compile(r"https?://[^/]+/\.well-known/ni/sha-256/[A-Za-z0-9_-]{43}\Z")


def check_strictly(bag: Bag, *, fetched: bool) -> Iterator[Finding]:
    """Findings that keep a bag from being imported although `strongroom verify` may have let it pass."""
    for (path,) in bag.index.rows("SELECT path FROM files WHERE real IS NOT NULL"):
        yield Finding(Code.IMPORT_REFUSED, os.fsdecode(path), "is a symbolic link; put the file itself in its place")
    count, size = next(bag.index.rows("SELECT count(*), coalesce(sum(size), 0) FROM files WHERE NOT payload"))
    if count > MOST_TAG_FILES or size > MOST_TAG_BYTES:
        yield Finding(Code.IMPORT_REFUSED, "tag files", f"there are {count:,} with {size:,} bytes; at most {MOST_TAG_FILES:,} are taken")
    if bag.has("fetch.txt") and not fetched:
        places = _places(bag)
        if places:
            yield Finding(
                Code.IMPORT_REFUSED, "fetch.txt", f"names places to fetch {places:,} files from, and nothing is ever fetched. If they all "
                "are in the bag, --fetched takes it as it is"
            )


def _places(bag: Bag) -> int:
    """How many lines of fetch.txt name a place rather than a content (RFC 6920), as those of our own bags do."""
    lines = parse_fetch_lines(bag.chunks("fetch.txt"), version=bag.declaration.version, encoding=bag.declaration.encoding)
    return sum(not isinstance(line, Problem) and _NI.match(line.url) is None for line in lines)

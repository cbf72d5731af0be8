"""A manifest lists no file twice."""

from __future__ import annotations

import os
from collections.abc import Iterator

from strongroom.core.findings import Code, Finding
from strongroom.usecases.verify.bag import Bag

_TWICE = """
SELECT m.name, e.path, count(*), min(e.line), max(e.line), count(DISTINCT e.digest)
FROM entries e JOIN manifests m ON m.id = e.manifest GROUP BY e.path, e.manifest HAVING count(*) > 1
"""


def check_duplicates(bag: Bag) -> Iterator[Finding]:
    """The same digest twice is only untidy; two digests contradict each other."""
    for name, path, count, first, last, digests in bag.index.rows(_TWICE):
        message = f"{os.fsdecode(path)} is listed {count} times, last in line {last}"
        if digests == 1:
            yield Finding(Code.BAG_WARNING, f"{name}, line {first}", message)
        else:
            yield Finding(Code.BAG_INVALID, f"{name}, line {first}", f"{message}, with {digests} different digests")

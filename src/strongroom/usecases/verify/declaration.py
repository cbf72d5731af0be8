"""bagit.txt is there, well-formed, and says a version and an encoding that are known (RFC 8493, 2.1.1)."""

from __future__ import annotations

from collections.abc import Iterator

from strongroom.core.bag.declaration import LATEST, parse_declaration
from strongroom.core.findings import Code, Finding
from strongroom.usecases.verify.bag import Bag, finding_of, unreadable

_NAME = "bagit.txt"


def check_declaration(bag: Bag) -> Iterator[Finding]:
    if not bag.has(_NAME):
        yield Finding(Code.BAG_FILE_MISSING, _NAME, "is missing; without it a folder is not a bag")
        return
    try:
        head = next(bag.chunks(_NAME), b"")  # far more than two lines
    except OSError as error:
        yield unreadable(_NAME, error)
        return
    bag.declaration, problems = parse_declaration(head)
    yield from (finding_of(problem, _NAME) for problem in problems)
    if bag.declaration.version < LATEST:
        yield Finding(Code.BAG_WARNING, _NAME, f"declares BagIt {bag.declaration.version}, a draft before 1.0")
    if bag.declaration.encoding not in ("utf-8", "ascii"):
        yield Finding(Code.BAG_WARNING, _NAME, f"declares tag files in {bag.declaration.encoding}; UTF-8 is safer")

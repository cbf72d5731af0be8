"""bag-info.txt is well-formed, and Payload-Oxum is right (RFC 8493, 2.2.2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from strongroom.core.bag.baginfo import NOT_REPEATABLE, PAYLOAD_OXUM, Element, bag_info_name, parse_bag_info
from strongroom.core.bag.declaration import LATEST
from strongroom.core.bag.oxum import Oxum, parse_oxum
from strongroom.core.bag.problems import Problem
from strongroom.core.findings import Code, Finding
from strongroom.core.plural import plural
from strongroom.usecases.verify.bag import Bag, finding_of, unreadable

_OXUM = PAYLOAD_OXUM.lower()


def check_bag_info(bag: Bag) -> Iterator[Finding]:
    name = bag_info_name(bag.declaration.version)
    seen: Counter[str] = Counter()
    if bag.has(name):
        try:
            for item in parse_bag_info(bag.chunks(name), version=bag.declaration.version, encoding=bag.declaration.encoding):
                if isinstance(item, Problem):
                    yield finding_of(item, name)
                elif (label := item.label.lower()) in NOT_REPEATABLE:
                    seen[label] += 1
                    yield from _repeated(bag, name, item, seen[label])
                    yield from _oxum(bag, name, item) if label == _OXUM else ()
        except OSError as error:
            yield unreadable(name, error)
    if not seen[_OXUM]:
        yield Finding(Code.BAG_WARNING, name, f"has no {PAYLOAD_OXUM}, so that an incomplete copy is not noticed at a glance")


def _repeated(bag: Bag, name: str, element: Element, count: int) -> Iterator[Finding]:
    if count == 2:
        must_not = element.label.lower() == _OXUM and bag.declaration.version >= LATEST
        yield Finding(
            Code.BAG_INVALID if must_not else Code.BAG_WARNING, f"{name}, line {element.line}", f"{element.label} should not be repeated"
        )


def _oxum(bag: Bag, name: str, element: Element) -> Iterator[Finding]:
    place = f"{name}, line {element.line}"
    stated = parse_oxum(element.value)
    found = Oxum(*next(bag.index.rows("SELECT coalesce(sum(size), 0), count(*) FROM files WHERE payload")))
    if stated is None:
        code = Code.BAG_INVALID if bag.declaration.version >= LATEST else Code.BAG_WARNING
        yield Finding(code, place, f"Payload-Oxum is {element.value[:80]!r}, not BYTES.FILES")
    elif stated != found:
        yield Finding(
            Code.BAG_OXUM, place,
            f"Payload-Oxum says {stated.octets:,} bytes in {plural(stated.streams, 'file')}; there are {found.octets} in {found.streams}",
        )

"""bag-info.txt, package-info.txt before 0.96: what a person should know of the bag (RFC 8493, 2.2.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from strongroom.core.bag.declaration import LATEST, Version
from strongroom.core.bag.lines import read_lines
from strongroom.core.bag.problems import Problem
from strongroom.core.errors import InvalidValueError

PAYLOAD_OXUM: Final = "Payload-Oxum"
#: Reserved elements that should not be repeated, and Payload-Oxum, which must not (RFC 8493, 2.2.2), in lower case.
NOT_REPEATABLE: Final = frozenset({"bagging-date", "bag-size", "payload-oxum", "bag-group-identifier", "bag-count"})
_BLANKS: Final = " \t"


def bag_info_name(version: Version) -> str:
    """What the file is called in a bag of this version."""
    return "bag-info.txt" if version >= (0, 96) else "package-info.txt"


class Element(NamedTuple):
    """One element, its folded lines joined by LF: a line break is part of the value, the indentation is not."""

    label: str
    value: str
    line: int  # of the label, counted from 1


def format_bag_info(pairs: Sequence[tuple[str, str]]) -> bytes:
    """bag-info.txt in UTF-8. A line break in a value becomes a folded line; blank lines and blanks at the ends of lines are lost.

    Whatever Unicode calls a line break is one here (U+2028, form feed), since readers exist that end lines there. Raises InvalidValueError
    for a label that cannot be one, and for text that is not Unicode.

    >>> format_bag_info([("External-Description", "two\\nlines")])
    b'External-Description: two\\n  lines\\n'
    """
    return "".join(_format(label, value) for label, value in pairs).encode()


def _format(label: str, value: str) -> str:
    if label.strip().splitlines() != [label] or ":" in label:
        raise InvalidValueError(f"not a label for bag-info.txt: {label[:80]!r} (no colon, no line break, no blanks at its ends)")
    lines = [line for line in (line.strip(_BLANKS) for line in value.splitlines()) if line]
    text = f"{label}: " + "\n  ".join(lines) + "\n"
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidValueError(f"the value of {label!r} is not Unicode text: {value[:80]!r}") from None
    return text


def parse_bag_info(
    chunks: Iterable[bytes], *, version: Version = LATEST, encoding: str = "utf-8"
) -> Iterator[Element | Problem]:
    """The elements in their order, with what is wrong with the lines. Values longer than a line may be are cut at 1 MiB.

    BagIt 1.0 wants one space or tab after the colon; the drafts had the white space around the colon optional.
    """
    label, value, start = "", "", 0
    for item in read_lines(chunks, encoding):
        if isinstance(item, Problem):
            yield item
            continue
        number, text = item
        if text[:1] in (" ", "\t") and text.strip(_BLANKS):
            if not start:
                yield Problem(number, f"is indented but continues no element: {text[:120]!r}")
            elif len(value) < 1 << 20:
                value += "\n" + text.strip(_BLANKS)
            continue
        if start:
            yield Element(label, value, start)
            start = 0
        if not text.strip(_BLANKS):
            yield Problem(number, "is empty", fatal=False)
            continue
        name, colon, rest = text.partition(":")
        if not colon or not name.strip(_BLANKS):
            yield Problem(number, f"is not 'LABEL: VALUE': {text[:120]!r}")
            continue
        if version >= LATEST and (name != name.strip(_BLANKS) or (rest and rest[0] not in _BLANKS)):
            yield Problem(number, f"does not have its colon right after the label and one blank after it: {text[:120]!r}")
        label, value, start = name.strip(_BLANKS), rest.strip(_BLANKS), number
    if start:
        yield Element(label, value, start)

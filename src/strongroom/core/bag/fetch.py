"""fetch.txt (RFC 8493, 2.2.3). Strongroom names contents in it and never fetches from it (docs/format.md, section 4)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from strongroom.core.bag.declaration import LATEST, Version
from strongroom.core.bag.encoding import decode_path, has_stray_percent
from strongroom.core.bag.lines import read_lines
from strongroom.core.bag.problems import Problem
from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError

_LINE: Final = re.compile(r"(\S+)[ \t]+(\S+)[ \t]+(.+)\Z", re.DOTALL)
_LENGTH: Final = re.compile(r"[0-9]{1,18}\Z", re.ASCII)  # bytes; what is longer fits into no database, and is no file
_NI: Final = re.compile(r"https?://[^/]+/\.well-known/ni/sha-256/([A-Za-z0-9_-]{43})\Z")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.")


class FetchEntry(NamedTuple):
    """One line of fetch.txt."""

    url: str
    length: int | None  # bytes; None where the line says "-"
    path: str  # decoded, not normalised
    line: int  # counted from 1


def digest_from_ni_url(url: str) -> Digest:
    """The content that a line of our fetch.txt names. Raises InvalidValueError for any other URL."""
    match = _NI.match(url)
    if match is None:
        raise InvalidValueError(f"not a URL of the form https://AUTHORITY/.well-known/ni/sha-256/…: {url[:200]!r}")
    return Digest.from_ni(match[1])


def parse_fetch_lines(
    chunks: Iterable[bytes], *, version: Version = LATEST, encoding: str = "utf-8"
) -> Iterator[FetchEntry | Problem]:
    """The entries of fetch.txt in their order, with what is wrong with its lines; bounded memory. `chunks` as for manifests."""
    for item in read_lines(chunks, encoding):
        if isinstance(item, Problem):
            yield item
            continue
        number, text = item
        match = _LINE.match(text)
        if match is None:
            if text.strip(" \t"):
                yield Problem(number, f"is not 'URL LENGTH PATH': {text[:120]!r}")
            else:
                yield Problem(number, "is empty", fatal=False)
            continue
        url, length, spelled = match.groups()
        if _SCHEME.match(url) is None:
            yield Problem(number, f"does not start with an absolute URL: {url[:120]!r}")
        if length != "-" and _LENGTH.match(length) is None:
            yield Problem(number, f"has the length {length[:40]!r}; expected bytes in at most 18 decimal digits, or '-'")
            length = "-"
        if version >= LATEST and has_stray_percent(spelled):
            yield Problem(number, f"has a percent sign that is not %25, %0A or %0D: {spelled[:120]!r}; BagIt 1.0 writes it as %25")
        yield FetchEntry(url, None if length == "-" else int(length), decode_path(spelled, version), number)

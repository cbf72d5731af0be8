"""The lines of a tag file, streamed out of its bytes."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final, NamedTuple

from strongroom.core.bag.problems import Problem

#: The longest line that is read, in characters: above any path a file system can hold, percent-encoded.
MAX_LINE: Final = 1 << 20


class Line(NamedTuple):
    number: int  # counted from 1
    text: str  # without its end


def read_lines(chunks: Iterable[bytes], encoding: str = "utf-8", *, limit: int = MAX_LINE) -> Iterator[Line | Problem]:
    """The lines of a tag file whose bytes come in any pieces, with a Problem for what cannot be read. Bounded memory.

    Lines end in LF, CR or CRLF and nothing else (RFC 8493, 2.1.1): form feeds and Unicode separators are part of a line. Bytes that
    are not `encoding` are kept as lone surrogates (UTF-8) or U+FFFD, after a Problem. A byte order mark is removed and, in UTF-8,
    reported as a warning.
    """
    number = 0
    first = True
    for text in _texts(chunks, encoding, limit):
        number += 1
        if isinstance(text, Problem):
            yield Problem(number, text.message)
            continue
        line = text
        if first:
            first = False
            if line.startswith("\ufeff"):
                line = line[1:]
                if encoding == "utf-8":
                    yield Problem(1, "starts with a byte order mark; read without it", fatal=False)
        if encoding == "utf-8" and not line.isascii() and _has_surrogates(line):
            yield Problem(number, f"is not UTF-8: {line[:120]!r}")
        elif encoding != "utf-8" and "\ufffd" in line:
            yield Problem(number, f"is not {encoding}: {line[:120]!r}")
        yield Line(number, line)


def _has_surrogates(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _byte_order(encoding: str, head: bytes) -> str:
    """`encoding`, with the byte order made plain where a file in UTF-16 or UTF-32 starts without a mark.

    It is big-endian then (RFC 2781, 4.3), unless the first character, which is ASCII in every tag file, shows otherwise.
    """
    if encoding not in ("utf-16", "utf-32") or head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
        return encoding
    return encoding + ("-le" if head[:1] != b"\0" and head[1:2] == b"\0" else "-be")


def _texts(chunks: Iterable[bytes], encoding: str, limit: int) -> Iterator[str | Problem]:
    """The texts between line ends; for a line over `limit` a Problem instead."""
    rest = ""
    skipping = False  # within a line that was too long
    pieces = (chunk for chunk in chunks if chunk)
    head = next(pieces, b"")
    decoder = codecs.getincrementaldecoder(_byte_order(encoding, head))("surrogateescape" if encoding == "utf-8" else "replace")

    for chunk in chain((head,), pieces):
        text = rest + decoder.decode(chunk)
        held = text.endswith("\r")  # its LF may come with the next piece
        if held:
            text = text[:-1]
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        *whole, rest = text.split("\n")
        for line in whole:
            if skipping:
                skipping = False
                yield Problem(0, f"is longer than {limit} characters; not read")
            elif len(line) > limit:
                yield Problem(0, f"is longer than {limit} characters; not read")
            else:
                yield line
        if len(rest) > limit:
            skipping, rest = True, ""
        if held:
            rest += "\r"
    rest += decoder.decode(b"", final=True)
    ended = rest.endswith("\r")
    rest = rest.removesuffix("\r")
    if skipping or len(rest) > limit:
        yield Problem(0, f"is longer than {limit} characters; not read")
    elif rest or ended:
        yield rest

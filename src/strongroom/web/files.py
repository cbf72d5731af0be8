"""Answers that are bytes of a content: whole or a range, never before they were verified."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

from starlette.responses import Response, StreamingResponse

from strongroom.core.digests import Digest
from strongroom.usecases.room.reading import Content

_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z", re.ASCII)


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and the byte after the last one of a Range header; None: all of it (no range, several, or none that we know).

    Raises ValueError where the range lies beyond the end (416).

    >>> parse_range("bytes=2-", 10), parse_range("bytes=-3", 10), parse_range("bytes=1-2,4-5", 10)
    ((2, 10), (7, 10), None)
    """
    match = _RANGE.match(header or "")
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        start, stop = max(0, size - int(match[2])), size
    else:
        start, stop = int(match[1]), min(size, int(match[2]) + 1 if match[2] else size)
        if match[2] and int(match[2]) < start:
            return None  # makes no sense, and is passed over (RFC 9110, 14.1.1)
    if start >= stop:
        raise ValueError
    return start, stop


def answer(
    content: Content, digest: Digest, kind: str, headers: dict[str, str], *, method: str, range_header: str | None, if_range: str | None,
) -> Response:
    """The content as a response. Its first bytes are read before anything is sent, so that damage can still be answered with an error.

    Raises NotSoundError, OutOfReachError.
    """
    tag = f'"{digest.hex}"'
    headers = {**headers, "content-type": kind, "accept-ranges": "bytes", "etag": tag}
    part = None
    if if_range in (None, tag):
        try:
            part = parse_range(range_header, content.size)
        except ValueError:
            return Response(status_code=416, headers={**headers, "content-type": "text/plain", "content-range": f"bytes */{content.size}"})
    start, stop = part or (0, content.size)
    if part is not None:
        headers["content-range"] = f"bytes {start}-{stop - 1}/{content.size}"
    headers["content-length"] = str(stop - start)
    chunks = content.chunks(start, stop)
    first: Iterator[bytes] = iter([*([one] if (one := next(chunks, None)) is not None else [])])
    status = 200 if part is None else 206
    if method == "HEAD":
        return Response(status_code=status, headers=headers)
    return StreamingResponse(chain(first, chunks), status_code=status, headers=headers)

"""Which paths a manifest or fetch.txt may name (RFC 8493, 2.1.3, 5.2): files below the bag, payload below data/."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, NamedTuple

_PLAIN_PAYLOAD: Final = re.compile(r"data(/(?!\.{0,2}(/|\Z))[^/\\\0]+)+\Z")
_DRIVE: Final = re.compile(r"[A-Za-z]:[\\/]")


class Judged(NamedTuple):
    """A path as listed: what it names, or None if it must not be followed; and what is wrong with it."""

    path: str | None
    error: str | None = None
    warnings: tuple[str, ...] = ()


def judge_path(listed: str, *, payload: bool) -> Judged:
    """What a listed (decoded) path names, normalised lexically: links are never followed, so that is what the file system means too.

    >>> judge_path("./data/a", payload=True)
    Judged(path='data/a', error=None, warnings=("is written './data/a'; read as 'data/a'",))
    >>> judge_path("data/../../a", payload=True).error
    'leaves the bag'
    """
    if payload and _PLAIN_PAYLOAD.match(listed) is not None:
        return Judged(listed)
    error = _refusal(listed)
    if error is not None:
        return Judged(None, error)
    segments: list[str] = []
    for segment in listed.split("/"):
        if segment == "..":
            if not segments:
                return Judged(None, "leaves the bag")
            segments.pop()
        elif segment not in ("", "."):
            segments.append(segment)
    path = "/".join(segments)
    if not path:
        return Judged(None, "names the bag itself, not a file")
    if payload and (len(segments) < 2 or segments[0] != "data"):
        return Judged(None, "is not below data/")
    warnings = []
    if path != listed:
        warnings.append(f"is written {listed[:200]!r}; read as {path[:200]!r}")
    if "\\" in path:
        warnings.append("has a backslash, which Windows takes for a separator")
    return Judged(path, None, tuple(warnings))


def _refusal(listed: str) -> str | None:
    if listed.startswith("/"):
        return "is an absolute path"
    if listed.startswith("~"):
        return "starts with '~', which shells take for a home folder"
    if _DRIVE.match(listed) or listed.startswith("\\"):
        return "is an absolute path of Windows"
    if listed.endswith(("/", "/.", "/..")) or listed in (".", ".."):
        return "names a folder; only files may be listed"
    if "\0" in listed:
        return "holds a NUL character"
    return None


def collision_key(path: bytes) -> bytes:
    """What a file system that ignores case and Unicode normalisation would call the path: equal keys collide there.

    >>> collision_key("data/É".encode()) == collision_key("data/e\\u0301".encode())
    True
    """
    if path.isascii():
        return path.lower()
    text = unicodedata.normalize("NFD", path.decode("utf-8", "surrogateescape")).casefold()
    return unicodedata.normalize("NFC", text).encode("utf-8", "surrogateescape")

"""Which member names may become files below the staging folder."""

from __future__ import annotations

import re
from typing import Final

from strongroom.unpacking.limits import Limits, UnpackError

_DRIVE: Final = re.compile(r"[A-Za-z]:")


def member_path(raw: bytes, limits: Limits) -> str:
    """The path below the staging folder that a member's name (without the slash that ends a folder's) stands for.

    Leading "./" is dropped; "" is the archive's own top. Raises UnpackError with the reason for any name that could leave the folder,
    here or on another system. Names that Windows cannot hold are names: verify warns of them.
    """
    name = raw[:300].decode("utf-8", "backslashreplace")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise UnpackError(name, "has a name that is not UTF-8, which no manifest can hold") from None
    reason = _refusal(text)
    if reason:
        raise UnpackError(name, reason)
    segments = text.split("/")
    while segments and segments[0] == ".":
        segments.pop(0)
    for segment in segments:
        reason = _segment(segment, limits)
        if reason:
            raise UnpackError(name, reason)
    path = "/".join(segments)
    if len(path.encode()) > limits.path:
        raise UnpackError(name, f"has a path of {len(path.encode()):,} bytes; at most {limits.path:,} are taken")
    if len(segments) > limits.depth:
        raise UnpackError(name, f"lies {len(segments)} folders deep; at most {limits.depth} are taken")
    return path


def _refusal(text: str) -> str:
    if not text:
        return "has no name"
    if "\0" in text:
        return "has a NUL character in its name"
    if text.startswith("/"):
        return "has an absolute path"
    if text.startswith("\\"):
        return "has an absolute path of Windows or a network path (UNC)"
    if _DRIVE.match(text.removeprefix("./")):
        return "has a path with a drive letter"
    return ""


def _segment(segment: str, limits: Limits) -> str:
    if segment == "..":
        return "has '..' in its path, which leads out of the folder"
    if segment in ("", "."):
        return "has an empty or '.' segment in its path"
    if len(segment.encode()) > limits.segment:
        return f"has a name of {len(segment.encode()):,} bytes; at most {limits.segment} are taken"
    return ""

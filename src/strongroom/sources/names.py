"""Keys of a bucket as the names of files: which a bag can hold, and which folders they lie in."""

from __future__ import annotations

from functools import lru_cache

from strongroom.core.litter import is_litter
from strongroom.sources.interface import Rules


def why_unholdable(name: bytes) -> str | None:
    """Why no bag can hold a file of this name, or None. Keys may have names that no folder has.

    >>> why_unholdable(b"a//b")
    'its key has an empty segment, "." or "..", which no path in a bag may have'
    """
    if any(segment in (b"", b".", b"..") for segment in name.split(b"/")):
        return 'its key has an empty segment, "." or "..", which no path in a bag may have'
    if b"\0" in name:
        return "its key has a NUL, which no path in a bag may have"
    try:
        name.decode()
    except UnicodeDecodeError:
        return "its key is not UTF-8, so that it cannot be asked for"
    return None


class Folders:
    """A bucket has no folders, but what keys say lies in one is judged as it would be in one: left out with it."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._barred = lru_cache(maxsize=4096)(self._judge)

    def barring(self, name: bytes) -> tuple[bytes, str] | None:
        """What is left out, and why, if the object of this name is: a folder that it lies in, or it itself."""
        folder, _, last = name.rpartition(b"/")
        if folder and (barred := self._barred(folder)) is not None:
            return barred
        return (name, "system-file") if not self._rules.whole and is_litter(last) else None

    def _judge(self, folder: bytes) -> tuple[bytes, str] | None:
        """The folder that is left out, this one or one above it, and why."""
        end = 0
        while end < len(folder):
            cut = folder.find(b"/", end)
            start, end = end, len(folder) if cut < 0 else cut
            if not self._rules.whole and is_litter(folder[start:end]):
                return folder[:end], "system-file"
            if self._rules.excluded(folder[:end] + b"/"):
                return folder[:end], "pattern"
            end += 1
        return None

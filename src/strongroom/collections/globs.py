"""The patterns of `include` and `exclude`.

| pattern | matches |
|---|---|
| `*.tmp`, `cache` | no slash: a file or folder of that name at any depth, a folder with everything below |
| `a/b*.html`, `/a` | a slash at the start or in the middle: from the source's root |
| `cache/` | only a folder, with everything below |
| `**` between slashes | any number of folders, none included |
| `*` `?` `[a-z]` `[!a-z]` | any characters, one, one of a set; never a slash |

Case counts. A backslash stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from strongroom.core.errors import InvalidValueError


def compile_globs(patterns: Iterable[str]) -> Callable[[bytes], bool]:
    """A test whether any of `patterns` matches a path, given as bytes relative to the source.

    A folder itself is passed with a final slash: b"cache/". Without patterns nothing matches. Raises InvalidValueError.
    """
    parts = [translate(pattern) for pattern in patterns]
    if not parts:
        return lambda _path: False
    match = re.compile("|".join(parts), re.DOTALL).match
    return lambda path: match(path.decode("utf-8", "surrogateescape")) is not None


def translate(pattern: str) -> str:
    """`pattern` as a regular expression to be matched from the start of a path; InvalidValueError if it is none.

    Every repetition is an atomic group that takes its first match. For globs the first match is as good as any later one
    (what follows may start anywhere), so nothing is ever tried twice and time grows with length of path times pattern.
    """
    segments = _segments(pattern)
    only_folder = segments[-1] == ""
    if only_folder:
        segments.pop()
    pieces: list[list[str]] = [[]]  # runs of segments between `**`
    for segment in segments:
        if segment == "**":
            pieces.append([])
        else:
            pieces[-1].append(_segment(segment))
    if not pieces[-1]:  # `a/**`: what lies below a; `**`: everything
        pieces.pop()
        only_folder = True
        if not any(pieces):
            return ""
    *before, last = ("/".join(piece) for piece in pieces)
    end = "/" if only_folder else r"(?:/|\Z)"
    expression = ""
    for number, piece in enumerate([*(f"{piece}/" if piece else "" for piece in before), last + end]):
        skip = "(?:[^/]+/)*?" if number else ""
        if piece:
            expression += f"(?>{skip}{piece})"
    return expression


def _segments(pattern: str) -> list[str]:
    if not pattern or "\0" in pattern:
        raise InvalidValueError(f"expected a pattern such as *.tmp or cache/, found {pattern!r}")
    if pattern.startswith("!"):
        raise InvalidValueError(f"expected a pattern, found a negation {pattern!r}: put it under the other of `include` and `exclude`")
    anchored = "/" in pattern.rstrip("/")
    segments = pattern.removeprefix("./").lstrip("/").split("/")
    if segments == [""] or any(segment in (".", "..") for segment in segments) or "" in segments[:-1]:
        raise InvalidValueError(f"expected a path below the source, found {pattern!r}: empty, . and .. are no names")
    return segments if anchored else ["**", *segments]


def _segment(segment: str) -> str:
    """One segment as an atomic expression that ends where the segment does."""
    runs = [[""]]  # expressions of single characters, in runs between stars
    at = 0
    while at < len(segment):
        character = segment[at]
        at += 1
        if character == "*":
            if runs[-1] != [""] or len(runs) == 1:
                runs.append([""])
        elif character == "?":
            runs[-1].append("[^/]")
        elif character == "[":
            close = segment.find("]", at + 2 if segment[at : at + 1] in ("!", "^") else at + 1)
            if close < 0:
                raise InvalidValueError(f"expected ] after [ in the pattern {segment!r}; a literal [ is written [[]")
            runs[-1].append(_set(segment[at:close], segment))
            at = close + 1
        else:
            runs[-1].append(re.escape(character))
    first, *others = ("".join(run) for run in runs)
    if not others:
        return first
    *middle, last = others
    inner = "".join(f"(?>[^/]*?{run})" for run in middle)
    return f"(?>{first}{inner}[^/]*{last}(?=/|\\Z))"


def _set(body: str, segment: str) -> str:
    negated = body[:1] in ("!", "^")
    inside = body[1:] if negated else body
    escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", inside)
    expression = f"[^/{escaped}]" if negated else f"(?!/)[{escaped}]"
    try:
        re.compile(expression)
    except re.error as error:
        raise InvalidValueError(f"expected characters and ranges such as [a-z] in the pattern {segment!r}: {error}") from None
    return expression

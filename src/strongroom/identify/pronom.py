"""PRONOM ids by siegfried (pygfried), without the network: its signatures come with it. For use inside a process that may be lost."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import Any, Final, NamedTuple

_NOBODY: Final = "UNKNOWN"
#: Where in the file a pattern was found: of no use to people, and different in every file.
_PLACES: Final = re.compile(r" at [^;(]*(\(signature \d+/\d+\))?")


class Match(NamedTuple):
    """What PRONOM knows a file as; "" where it does not say."""

    puid: str = ""  # "fmt/471"
    name: str = ""
    version: str = ""
    mime: str = ""
    basis: str = ""  # "extension match html; byte match"
    mismatch: bool = False  # known by its bytes as what its extension is not


@cache
def _pygfried() -> Any:
    return import_module("pygfried")  # brings the Go runtime along: only where it is used


@cache
def signatures() -> str:
    """Which siegfried decides, by which signatures of PRONOM: "siegfried 1.11.9, DROID_SignatureFile_V125.xml, …"."""
    said = _pygfried().identify("/dev/null", detailed=True)
    files = "; ".join(one["details"] for one in said["identifiers"])
    return ", ".join([f"siegfried {said['siegfried']}", *files.split("; ")])


def identify(path: str) -> Match:
    """What the file at `path` is, by its bytes and the extension of that name. Of several matches the first, as siegfried ranks them.

    Raises OSError if it cannot be read.
    """
    found = _pygfried().identify(path, detailed=True)["files"][0]
    if found["errors"] and not found["matches"]:
        raise OSError(found["errors"])
    best = next((one for one in found["matches"] if one["ns"] == "pronom" and one["id"] != _NOBODY), None)
    if best is None:
        return Match()
    by_bytes = "byte match" in best["basis"] or "container match" in best["basis"]  # that a text is called .rst is no contradiction
    return Match(best["id"], best["format"], best["version"], best["mime"].split(",")[0].strip(), _PLACES.sub("", best["basis"]),
                 by_bytes and "extension mismatch" in best["warning"])

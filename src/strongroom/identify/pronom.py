"""PRONOM ids by siegfried (pygfried), without the network: its signatures come with it. For use inside a process that may be lost."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
    by_bytes: bool = False  # known by a pattern in it, not only by the extension
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


def identify(paths: Sequence[str], at_once: int = 1) -> list[Match]:
    """What the files at `paths` are, by their bytes and the extensions of those names. Of several matches siegfried's first; of a file that
    it cannot read, nothing but its word for why. Asking about several together saves a third of the time; `at_once` of them are looked at
    by threads of its own. Raises MemoryError."""
    found = {one["filename"]: one for one in _pygfried().identify_many(paths, workers=at_once)["files"]}
    return [_match(found[path]) for path in paths]


def _match(found: Any) -> Match:
    if "cannot allocate memory" in found["errors"]:
        raise MemoryError(found["errors"])
    best = next((one for one in found["matches"] if one["ns"] == "pronom" and one["id"] != _NOBODY), None)
    if best is None:
        return Match(basis=f"PRONOM: {found['errors']}"[:200] if found["errors"] else "")
    by_bytes = "byte match" in best["basis"] or "container match" in best["basis"]  # that a text is called .rst is no contradiction
    return Match(best["id"], best["format"], best["version"], best["mime"].split(",")[0].strip(), _PLACES.sub("", best["basis"]),
                 by_bytes, by_bytes and "extension mismatch" in best["warning"])

"""Which payload file a name in a record or checksum file means."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from strongroom.metadata.scratch import Scratch

_DRIVE: Final = re.compile(r"[A-Za-z]:")
_PREFIXES: Final = ("data/", "objects/")


@dataclass(frozen=True, slots=True)
class Target:
    """`path` is the payload path; `exists` says whether a file or folder of the payload has it, `near` how the name differs."""

    path: str
    exists: bool
    near: str = ""


def escapes(name: str) -> str | None:
    """Why `name` could lead out of the source, or None. A name that tries to is never looked up."""
    steps = name.replace("\\", "/").split("/")
    if ".." in steps:
        return "a name with .."
    if name.startswith(("/", "\\")) or _DRIVE.match(name):
        return "an absolute path"
    if "\0" in name:
        return "a name with a NUL character"
    return None


def resolve(name: str, scratch: Scratch, folder: str = "") -> Target:
    """The target of `name`, of which `escapes` said None.

    Tried in this order: the name as a path below the source, below `folder` ("a/b") first; without a leading data/ or objects/;
    then each of these with `\\` for `/`, and in the Unicode normal forms NFC and NFD. A folder's name means the folder.
    """
    for variant, near in _variants(name):
        for plain in _plain(variant, folder):
            path = f"data/{plain}" if plain else "data"
            if scratch.has_file(path) or scratch.has_folder(path):
                return Target(path, True, near)
    *_, last = _plain(name, "")
    return Target(f"data/{last}", False)


def _variants(name: str) -> Iterator[tuple[str, str]]:
    yield name, ""
    if "\\" in name:
        yield name.replace("\\", "/"), "with / for \\"
    for form in ("NFC", "NFD"):
        other = unicodedata.normalize(form, name)
        if other != name:
            yield other, f"in the Unicode form {form}"


def _plain(name: str, folder: str) -> Iterator[str]:
    name = re.sub(r"^(\./+)+", "", name).rstrip("/")
    if folder:
        yield f"{folder}/{name}"
    yield name
    for prefix in _PREFIXES:
        if f"{name}/".startswith(prefix):
            yield name[len(prefix) :]

"""Reading a collection manifest, with every error at once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from strongroom.collections.build import build, in_turn, overlapping, with_defaults
from strongroom.collections.explain import Problem
from strongroom.collections.extends import read_chain
from strongroom.collections.model import CollectionManifest
from strongroom.collections.schemas import load_schema
from strongroom.collections.yaml_nodes import Node
from strongroom.core.errors import UsageError

#: The environment variable that names the folder of collection manifests.
FOLDER_VARIABLE: Final = "STRONGROOM_MANIFESTS"


def load(path: Path) -> CollectionManifest:
    """The collection manifest in `path`.

    Raises UsageError with one line an error: `FILE:LINE: field.path: expected …, found …`.
    """
    file = Path(os.path.abspath(path))
    node, raw = read_chain(file)
    written = node.plain()
    schema = load_schema("collection")
    problems = sorted(_problems(written), key=lambda problem: _place(node, problem))
    if not problems:
        manifest = build(node, with_defaults(written, schema), raw, file)
        problems = [
            Problem(("stores", number), "a store apart from the source", f"{folder}, one inside the other; move it")
            for number, folder in overlapping(manifest)
        ]
        problems += [Problem(("stores", number), "stores that can be told apart", found) for number, found in in_turn(manifest)]
        if not problems:
            return manifest
    lines = [f"{_show(node.at(p.path))}: {p.field}: expected {p.expected}, found {p.found}{_remedy(p)}" for p in problems]
    raise UsageError("\n".join(lines))


def told_of(file: Path, error: UsageError | OSError) -> str:
    """What `load` said of `file`, for a place where that file is already named: all of it in one line."""
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror}"
    lines = (line.removeprefix(f"{file}:") for line in str(error).splitlines())
    return "; ".join(f"line {line}" if line[:1].isdigit() else line.strip() for line in lines)


def find(name_or_path: str) -> Path:
    """The manifest that `name_or_path` means: a file, or NAME for manifests/NAME.yaml (in $STRONGROOM_MANIFESTS if that is set).

    Raises UsageError saying where it looked.
    """
    given = Path(name_or_path).expanduser()
    places = [given]
    if given.suffix not in (".yaml", ".yml") and len(given.parts) == 1:
        folder = manifests_folder()
        places = [folder / f"{given.name}.yaml", folder / f"{given.name}.yml"]
    for place in places:
        if place.is_file():
            return place
        if place.is_dir():
            what = f"{place} is a folder: name the collection manifest, a YAML file, or the NAME of one in {manifests_folder()}/"
            raise UsageError(f"{what}; `strongroom init {place}` writes one for that folder")
    looked = " and ".join(str(Path(os.path.abspath(place))) for place in places)
    raise UsageError(f"no collection manifest for {name_or_path!r}: looked for {looked}; `strongroom init FOLDER` writes one")


def manifests_folder() -> Path:
    """Where manifests are looked for by name: $STRONGROOM_MANIFESTS, or manifests/ in the current folder."""
    return Path(os.environ.get(FOLDER_VARIABLE) or "manifests")


def _problems(written: object) -> list[Problem]:
    from strongroom.collections.checking import check_document  # noqa: PLC0415 -- dear to import, and not every verb reads a manifest

    return check_document(written)


def _place(node: Node, problem: Problem) -> tuple[str, int, str]:
    place = node.at(problem.path)
    return str(place.file), place.line, problem.field


def _show(node: Node) -> str:
    return f"{node.file}:{node.line}"


def _remedy(problem: Problem) -> str:
    if problem.found == "nothing":
        return "; add it"
    if problem.expected == "a known field":
        return "" if "did you mean" in problem.found else "; remove it or correct its name"
    return ""

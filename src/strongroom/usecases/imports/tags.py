"""The tag files of a received bag, kept byte for byte below metadata/imported/bag/ of ours (docs/format.md, 4.4)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from strongroom.core import canonical
from strongroom.core.digests import new_hash
from strongroom.core.errors import InvalidValueError
from strongroom.core.findings import Code, Finding
from strongroom.core.keys import StoreKey
from strongroom.usecases.verify.bag import CHUNK, Bag, open_regular

FOLDER: Final = "metadata/imported"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*\Z")
_LONGEST: Final = 150
_LISTED: Final = """
SELECT m.name, m.algorithm, e.digest FROM entries e JOIN manifests m ON m.id = e.manifest WHERE m.tag AND m.known AND e.path = ?
"""


@dataclass(slots=True)
class KeptTags:
    """`files`: for our bag, by path in it, `copies`: by their path in theirs."""

    files: list[tuple[str, Path]] = field(default_factory=list)
    copies: dict[str, Path] = field(default_factory=dict)
    sha256: dict[str, str] = field(default_factory=dict)  # by their path in theirs
    findings: list[Finding] = field(default_factory=list)


def keep_tags(bag: Bag, place: Path) -> KeptTags:
    """Copy every tag file of the bag into `place`, and compare each copy with the tag manifests: it may have changed since."""
    kept = KeptTags()
    place.mkdir()
    paths = _Paths()
    with (place / "tags.jsonl").open("wb") as listing:
        for number, (raw, size) in enumerate(bag.index.rows("SELECT path, size FROM files WHERE NOT payload ORDER BY path")):
            path = os.fsdecode(raw)
            copy = place / str(number)
            read = _copy(bag, raw, copy)
            for manifest, algorithm, digest in bag.index.rows(_LISTED, raw):
                if read.get(algorithm) != digest:
                    kept.findings.append(Finding(Code.IMPORT_CHANGED, path, f"changed after it was validated by {manifest}"))
            ours = paths.choose(path, raw)
            kept.files.append((ours, copy))
            kept.copies[path] = copy
            kept.sha256[path] = read["sha256"]
            text = raw.decode("utf-8", "backslashreplace")
            listing.write(canonical.dumps({"file": ours, "path": text, "sha256": read["sha256"], "size": size}))
    kept.files.append((f"{FOLDER}/tags.jsonl", place / "tags.jsonl"))
    return kept


def _copy(bag: Bag, path: bytes, target: Path) -> dict[str, str]:
    wanted = {"sha256", *(algorithm for _, algorithm, _ in bag.index.rows(_LISTED, path))}
    hashes = {algorithm: new_hash(algorithm) for algorithm in wanted}
    with target.open("xb") as out:
        for chunk in _chunks(os.path.join(bag.root, path)):
            for running in hashes.values():
                running.update(chunk)
            out.write(chunk)
    return {algorithm: running.hexdigest() for algorithm, running in hashes.items()}


def _chunks(path: bytes) -> Iterator[bytes]:
    with os.fdopen(open_regular(path), "rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


class _Paths:
    """Which paths of ours are taken: keys that differ only in case, or of which one is a folder of another, cannot lie side by side."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def choose(self, path: str, raw: bytes) -> str:
        """Its own path where that can be part of a key, with room for what comes before; else the SHA-256 of its path."""
        ours = f"{FOLDER}/bag/{path}"
        if not self._usable(path, ours):
            running = new_hash("sha256")
            running.update(raw)
            ours = f"{FOLDER}/bag/_/{running.hexdigest()}"
        self._files.add(ours.lower())
        self._folders |= _above(ours)
        return ours

    def _usable(self, path: str, ours: str) -> bool:
        if not _PLAIN.match(path) or len(path) > _LONGEST or path.startswith("_/"):
            return False
        if ours.lower() in self._files or ours.lower() in self._folders or self._files & _above(ours):
            return False
        try:
            StoreKey(ours)
        except InvalidValueError:
            return False
        return True


def _above(path: str) -> set[str]:
    parts = path.lower().split("/")
    return {"/".join(parts[:depth]) for depth in range(1, len(parts))}

"""Checksum files that came with a collection.

| where | name |
|---|---|
| anywhere in the source | `manifest-ALG.txt`, `checksum.ALG`, `ALGSUMS` (SHA256SUMS), `FILE.ALG` beside FILE or with a list |
| beside the source | `NAME.ALG` where NAME is the source's; `manifest-ALG.txt` if the source is the data/ of a bag |

Lines are those of sha256sum (also with its backslash escapes), of BSD (`SHA256 (file) = …`), or a bare checksum in `FILE.ALG`.
Names are relative to the folder of the checksum file, or to the source.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from strongroom.core.digests import HEX_LENGTH
from strongroom.core.findings import Code
from strongroom.metadata.filenames import escapes, resolve
from strongroom.metadata.files import SourceFiles
from strongroom.metadata.issues import Issue, Place
from strongroom.metadata.scratch import Scratch
from strongroom.metadata.text import LineTooLongError, detect, lines

_ALGORITHM: Final = "|".join(sorted(HEX_LENGTH, key=len, reverse=True))
_NAME: Final = re.compile(
    rf"(?:(?P<bag>(?:tag)?manifest)-(?P<a>{_ALGORITHM})\.txt|(?P<stem>.+)\.(?P<b>{_ALGORITHM})|(?P<c>{_ALGORITHM})sums(?:\.txt)?)\Z",
    re.IGNORECASE,
)
#: Every name that _NAME can match ends so. Asked first, because there are many files and few lists.
_ENDS: Final = (".txt", "sums", *(f".{name}" for name in HEX_LENGTH))
_GNU: Final = re.compile(r"(?P<escaped>\\?)(?P<hex>[0-9A-Fa-f]{32,128})(?: [ *]|[ \t]+\*?)(?P<name>[^\r\n]+)\Z")
_BSD: Final = re.compile(r"(?P<algorithm>[A-Za-z0-9-]+) ?\((?P<name>[^\r\n]+)\) ?= ?(?P<hex>[0-9A-Fa-f]{32,128})\Z")
_BARE: Final = re.compile(r"(?P<hex>[0-9A-Fa-f]{32,128})\Z")
_PERCENT: Final = re.compile("%(0[Aa]|0[Dd]|25)")


def read_checksum_files(files: SourceFiles, scratch: Scratch) -> Iterator[Issue]:
    """Put the checksums of all checksum files of a source into `scratch`; yields what could not be used."""
    for path in scratch.files():
        name = path.removeprefix("data/")
        match = _NAME.match(name.rpartition("/")[2]) if name.lower().endswith(_ENDS) else None
        if match is not None and not name.startswith("_names/"):
            scratch.add_carrier(path)
            file = files.fetch(name)
            if file is not None:
                yield from _read(file, name, match, name.rpartition("/")[0], scratch)
    for file in _beside(files.folder) if files.folder is not None else ():
        match = _NAME.match(file.name)
        assert match is not None
        yield from _read(file, f"../{file.name}", match, "", scratch)


def add_checksum(scratch: Scratch, place: Place, path: str, algorithm: str, digest: object) -> str | None:
    """Note a supplied checksum; if it cannot be one, what was expected."""
    length = HEX_LENGTH.get(algorithm)
    if length is None:
        return f"a checksum of a known algorithm ({', '.join(HEX_LENGTH)})"
    if not isinstance(digest, str) or not re.fullmatch(f"[0-9A-Fa-f]{{{length}}}", digest.strip()):
        return f"a {algorithm} of {length} hexadecimal digits"
    scratch.add_checksum(path, algorithm, digest.strip().lower(), str(place))
    return None


def _beside(source: Path) -> Iterator[Path]:
    parent = source.parent
    of_bag = source.name == "data" and (parent / "bagit.txt").is_file()
    for algorithm in HEX_LENGTH:
        names = [f"{source.name}.{algorithm}"] + ([f"manifest-{algorithm}.txt"] if of_bag else [])
        yield from (parent / name for name in names if (parent / name).is_file() and not (parent / name).is_symlink())


def _read(file: Path, name: str, match: re.Match[str], folder: str, scratch: Scratch) -> Iterator[Issue]:
    """`folder` is that of the checksum file, below the source ("" for the source)."""
    if (match["bag"] or "").lower() == "tagmanifest" or not os.path.isfile(file):
        return  # tag files are not payload
    try:
        encoding = detect(file)
        if encoding.warning:
            yield Issue(Code.RECORD_ENCODING, Place(name), encoding.warning)
        for number, text in enumerate(lines(file, encoding), 1):
            line = text.rstrip("\r\n")
            if line.strip() and not line.lstrip().startswith(("#", ";")):
                yield from _line(line, Place(name, number), match, folder, scratch)
    except (OSError, LineTooLongError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        yield Issue(Code.CHECKSUM_UNKNOWN, Place(name), f"not read as a checksum file: {reason}")


def _line(line: str, place: Place, match: re.Match[str], folder: str, scratch: Scratch) -> Iterator[Issue]:
    algorithm = (match["a"] or match["b"] or match["c"]).lower()
    found = _GNU.match(line) or _BSD.match(line)
    if found is not None:
        target = found["name"]
        if "escaped" in found.groupdict() and found["escaped"]:
            target = re.sub(r"\\([\\nr])", lambda escape: {"\\": "\\", "n": "\n", "r": "\r"}[escape[1]], target)
        if match["bag"]:
            target = _PERCENT.sub(lambda escape: chr(int(escape[1], 16)), target)
    else:
        found = _BARE.match(line.strip())
        target = match["stem"] or ""
    if found is None or not target:
        yield Issue(Code.CHECKSUM_UNKNOWN, place, expected="a checksum and a file name", found=repr(line[:80]))
        return
    if "algorithm" in found.groupdict():
        algorithm = found["algorithm"].lower()
    inside = posixpath.normpath(posixpath.join(folder, target)) if not escapes(posixpath.basename(target)) else target
    if reason := escapes(inside):
        yield Issue(Code.RECORD_PATH, place, "the line was not used", expected="a file of the source", found=f"{reason}: {target[:200]!r}")
        return
    below = inside.removeprefix(f"{folder}/") if folder else inside
    known = resolve(below, scratch, folder if below != inside else "")
    if not known.exists or not scratch.has_file(known.path):
        yield Issue(Code.CHECKSUM_UNKNOWN, place, path=known.path, expected="a file of the payload", found="none of this name")
    elif expected := add_checksum(scratch, place, known.path, algorithm, found["hex"]):
        yield Issue(Code.CHECKSUM_UNKNOWN, place, path=known.path, expected=expected, found=repr(found["hex"]))

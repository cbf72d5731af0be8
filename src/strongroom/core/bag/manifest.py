"""manifest-ALG.txt and tagmanifest-ALG.txt (RFC 8493, 2.1.3 and 2.2.1), written and read line by line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from strongroom.core.bag.declaration import LATEST, Version
from strongroom.core.bag.encoding import decode_path, encode_path, has_stray_percent
from strongroom.core.bag.lines import Line, read_lines
from strongroom.core.bag.problems import Problem
from strongroom.core.digests import HEX_LENGTH

_LINE: Final = re.compile(r"([0-9A-Fa-f]+)([ \t]+)(\*?)(.+)\Z", re.DOTALL)
_NAME: Final = re.compile(r"(tag)?manifest-([^/]+)\.txt\Z")
#: Our name of an algorithm by the one RFC 8493, 2.4, makes of it: lower case, letters and digits only ("sha3256").
_ALGORITHMS: Final = {re.sub(r"[^a-z0-9]", "", name): name for name in HEX_LENGTH}


class ManifestEntry(NamedTuple):
    """One line of a manifest."""

    digest: str  # lower-case hexadecimal
    path: str  # decoded, not normalised: "./data/x" is still "./data/x"
    line: int  # counted from 1
    spelled: str  # the path as the line spells it, before decoding


def manifest_name(name: str) -> tuple[bool, str] | None:
    """Whether a file at the top of a bag is a tag manifest, and its algorithm; None if it is no manifest.

    An algorithm that is not in HEX_LENGTH is given in lower case as it is.

    >>> manifest_name("tagmanifest-SHA-256.txt"), manifest_name("manifest-sha3256.txt"), manifest_name("bag-info.txt")
    ((True, 'sha256'), (False, 'sha3-256'), None)
    """
    match = _NAME.match(name)
    if match is None:
        return None
    algorithm = match[2].lower()
    return match[1] is not None, _ALGORITHMS.get(re.sub(r"[^a-z0-9]", "", algorithm), algorithm)


def manifest_line(hex_digest: str, path: str) -> str:
    """A line as we write it, with its LF.

    >>> manifest_line("ab" * 16, "data/50%.txt")
    'abababababababababababababababab  data/50%25.txt\\n'
    """
    return f"{hex_digest}  {encode_path(path)}\n"


def parse_manifest_lines(
    chunks: Iterable[bytes], *, algorithm: str, version: Version = LATEST, encoding: str = "utf-8"
) -> Iterator[ManifestEntry | Problem]:
    """The entries of a manifest in their order, with what is wrong with its lines; bounded memory.

    `chunks` are the bytes of the file in any pieces (a file opened in binary mode will do). A line that cannot be read gives only a
    Problem. Paths are not judged here (see strongroom.core.bag.paths).
    """
    for item in read_lines(chunks, encoding):
        if isinstance(item, Problem):
            yield item
        else:
            yield from parse_manifest_line(item, algorithm, version)


def parse_manifest_line(line: Line, algorithm: str, version: Version = LATEST) -> Iterator[ManifestEntry | Problem]:
    """The entry of one line of text; nothing for an empty line but a warning."""
    number, text = line
    match = _LINE.match(text)
    if match is None:
        if text.strip(" \t"):
            yield Problem(number, f"is not 'DIGEST  PATH': {text[:120]!r}")
        else:
            yield Problem(number, "is empty", fatal=False)
        return
    digest, _space, star, spelled = match.groups()
    expected = HEX_LENGTH.get(algorithm)
    if expected is not None and len(digest) != expected:
        yield Problem(number, f"has {len(digest)} digits where {algorithm} has {expected}: {text[:120]!r}")
        return
    if star:
        yield Problem(number, f"marks the path with '*' as md5sum does; read as {spelled[:120]!r}", fatal=False)
    if version >= LATEST and has_stray_percent(spelled):
        yield Problem(number, f"has a percent sign that is not %25, %0A or %0D: {spelled[:120]!r}; BagIt 1.0 writes it as %25")
    yield ManifestEntry(digest.lower(), decode_path(spelled, version), number, spelled)

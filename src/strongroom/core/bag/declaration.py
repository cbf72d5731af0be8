"""bagit.txt: the bag declaration (RFC 8493, 2.1.1)."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from strongroom.core.bag.problems import Problem


class Version(NamedTuple):
    """A BagIt version.

    >>> Version(0, 97) < LATEST
    True
    """

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


LATEST: Final = Version(1, 0)
#: The versions there are: the drafts of draft-kunze-bagit, and RFC 8493.
KNOWN_VERSIONS: Final = (Version(0, 93), Version(0, 94), Version(0, 95), Version(0, 96), Version(0, 97), LATEST)
#: Encodings of tag files that are read, by Python's normalised codec name. An allowlist: Python also has codecs that expand
#: without limit or are not text at all.
ENCODINGS: Final = frozenset({
    "ascii", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "iso8859-1", "iso8859-2", "iso8859-5",
    "iso8859-7", "iso8859-15", "cp1250", "cp1251", "cp1252", "shift_jis", "euc_jp", "euc_kr", "gb18030", "gbk", "big5", "koi8-r",
})
_LINE: Final = re.compile(r"([^:]*):([ \t]*)(.*)\Z", re.DOTALL)
_VERSION: Final = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Declaration:
    """What bagit.txt says; where it could not be read, the values to go on with."""

    version: Version = LATEST
    encoding: str = "utf-8"  # Python's normalised name, a member of ENCODINGS


def bagit_txt() -> bytes:
    """The declaration that we write."""
    return b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


def parse_declaration(data: bytes) -> tuple[Declaration, list[Problem]]:
    """The declaration in the bytes of bagit.txt, and what is wrong with it.

    It MUST be UTF-8 without byte order mark and have exactly two lines in this order; more lines are only a warning before 1.0.
    The colon follows the label at once and one space follows the colon, in every version.
    """
    problems: list[Problem] = []
    if data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        problems.append(Problem(1, "starts with a byte order mark, which bagit.txt must not have"))
        data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        problems.append(Problem(1, f"is not UTF-8 (byte {error.start}), which bagit.txt must be whatever it declares"))
        return Declaration(), problems
    lines = re.split(r"\r\n|\r|\n", text)
    if lines[-1] == "":
        lines.pop()
    lines += [""] * (2 - len(lines))
    version = _parse_version(_value(lines[0], 1, "BagIt-Version", problems), problems)
    encoding = _parse_encoding(_value(lines[1], 2, "Tag-File-Character-Encoding", problems), problems)
    if len(lines) > 2:
        problems.append(Problem(3, f"there are {len(lines)} lines instead of two", fatal=version >= LATEST))
    return Declaration(version, encoding), problems


def _value(line: str, number: int, label: str, problems: list[Problem]) -> str | None:
    match = _LINE.match(line)
    if match is None or match[1].strip() != label:
        problems.append(Problem(number, f"is to be '{label}: …', not {line[:80]!r}"))
        return None
    if match[1] != label or match[2] != " " or match[3] != match[3].strip():
        problems.append(Problem(number, f"is to be '{label}: {match[3].strip()[:40]}' with no other white space, not {line[:80]!r}"))
    return match[3].strip()


def _parse_version(text: str | None, problems: list[Problem]) -> Version:
    if text is None:
        return LATEST
    match = _VERSION.match(text)
    if match is None:
        problems.append(Problem(1, f"the version {text[:40]!r} is not of the form M.N"))
        return LATEST
    version = Version(int(match[1]), int(match[2]))
    if version not in KNOWN_VERSIONS:
        known = ", ".join(map(str, KNOWN_VERSIONS))
        problems.append(Problem(1, f"BagIt version {text} is not known; it is read as {LATEST}. Known are {known}"))
        return LATEST
    return version


def _parse_encoding(text: str | None, problems: list[Problem]) -> str:
    if text is None:
        return "utf-8"
    try:
        name = codecs.lookup(text).name
    except (LookupError, ValueError):
        name = ""
    if name not in ENCODINGS:
        problems.append(Problem(2, f"the encoding {text[:40]!r} is not one that can be read; tag files are read as UTF-8"))
        return "utf-8"
    return name

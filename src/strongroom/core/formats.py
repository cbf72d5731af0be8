"""What kind of file a content is: the verdict of identification, as a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

ENCRYPTED: Final = "encrypted"
EMPTY: Final = "empty"
UNIDENTIFIED: Final = "unidentified"
MISMATCH: Final = "extension-mismatch"
#: Every flag a verdict may have, in the order in which they are written.
FLAGS: Final = (ENCRYPTED, EMPTY, UNIDENTIFIED, MISMATCH)

#: Types that say no more than "bytes" or "text".
GENERIC: Final = frozenset({"", "application/octet-stream", "text/plain"})

_EXTENSION: Final = re.compile(r"[a-z0-9][a-z0-9_+-]{0,15}")
_LONGEST: Final = 500  # characters of any text here that comes from a bag


class Format(NamedTuple):
    """A verdict. A plain tuple, since one for each content goes through a socket; "" is: not known.

    >>> Format("image/png", "fmt/13", "Portable Network Graphics", "1.2", "extension match png; byte match").puid
    'fmt/13'
    """

    mime: str = ""  # "text/html"
    puid: str = ""  # PRONOM's id: "fmt/471"
    name: str = ""  # PRONOM's name of the format: "Hypertext Markup Language"
    version: str = ""  # of the format: "5"
    basis: str = ""  # what PRONOM's verdict rests on: "extension match html; byte match"
    flags: str = ""  # some of FLAGS, separated by spaces
    signatures: str = ""  # what judged, and by which signatures

    @property
    def title(self) -> str:
        """What people call it: "Acrobat PDF 1.4 - Portable Document Format 1.4"; the MIME type where PRONOM knows none; "" for neither."""
        if self.name and self.version and self.version not in self.name.split():
            return f"{self.name} {self.version}"
        return self.name or self.mime

    def has(self, flag: str) -> bool:
        return flag in self.flags.split(" ")

    def to_json(self) -> dict[str, Any]:
        """As metadata/formats.jsonl has it (docs/format.md, 4): what is not known is absent."""
        return {name: value.split(" ") if name == "flags" else value for name, value in self._asdict().items() if value}

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> Format:
        """The verdict that a line of such a tag file says; whatever in it makes no sense is not known."""
        texts = {name: value[name][:_LONGEST] for name in cls._fields if isinstance(value.get(name), str)}
        flags = value.get("flags")
        return cls(**{**texts, "flags": flags_text(*(flag for flag in flags if isinstance(flag, str))) if isinstance(flags, list) else ""})


def flags_text(*flags: str) -> str:
    """Those of `flags` that there are, as a verdict has them."""
    return " ".join(flag for flag in FLAGS if flag in flags)


def extension_of(path: str) -> str:
    """The extension by which a file may be known, in lower case; "" if there is none that a format could have.

    >>> extension_of("data/photos/IMG_1.JPG"), extension_of("data/.profile"), extension_of("data/a.b c")
    ('jpg', '', '')
    """
    name = path.rpartition("/")[2]
    stem, _, extension = name.rpartition(".")
    extension = extension.lower()
    return extension if stem and _EXTENSION.fullmatch(extension) else ""

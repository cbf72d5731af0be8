"""Payload paths: how a name in the source becomes a name in a bag, and back (docs/format.md, section 4.1)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from strongroom.core.errors import InvalidValueError

#: Where names that BagIt cannot hold are kept, below data/.
ESCAPED_FOLDER: Final = "_names"


@dataclass(frozen=True, slots=True, order=True)
class PayloadPath:
    """The path of a payload file in a bag: `data/` and at least one segment, none empty, "." or "..".

    Ordered by code points, which is the order of the UTF-8 bytes. Holds no LF or other control by promise: any
    character but NUL may occur; the manifest grammar encodes what it must.
    """

    text: str

    def __post_init__(self) -> None:
        segments = self.text.split("/")
        if len(segments) < 2 or segments[0] != "data":
            raise InvalidValueError(f"not a payload path (it must start with data/): {self.text[:200]!r}")
        if any(segment in ("", ".", "..") for segment in segments) or "\0" in self.text:
            raise InvalidValueError(f"not a payload path (empty, '.' or '..' segment, or NUL): {self.text[:200]!r}")
        try:
            self.text.encode()
        except UnicodeEncodeError:
            raise InvalidValueError(f"not a payload path (not Unicode): {self.text[:200]!r}") from None

    def __str__(self) -> str:
        return self.text


def to_payload_text(name: bytes) -> tuple[str, bool]:
    """The payload path (as text) of a file whose path below the source is `name`, and whether the name had to be escaped.

    >>> to_payload_text(b"a/b.html")
    ('data/a/b.html', False)
    >>> to_payload_text(b"caf\\xe9")[0][:14]
    'data/_names/da'
    """
    first, _, _ = name.partition(b"/")
    if first != b"_names":
        try:
            return "data/" + name.decode("utf-8"), False
        except UnicodeDecodeError:
            pass
    return escaped(name), True


def escaped(name: bytes) -> str:
    """The path that stands for a name which cannot be its own."""
    return f"data/{ESCAPED_FOLDER}/{hashlib.sha256(name).hexdigest()}"


def from_payload_text(path: str, names: dict[str, bytes]) -> bytes:
    """The path below the source that `path` stands for; `names` maps escaped payload paths to bytes (metadata/names.jsonl).

    The result is checked: it is relative, and no segment of it is empty, "." or "..". Raises InvalidValueError.
    """
    name = names[path] if path in names else PayloadPath(path).text.removeprefix("data/").encode()
    if not name or b"\0" in name or any(segment in (b"", b".", b"..") for segment in name.split(b"/")):
        raise InvalidValueError(f"{path!r} stands for a name that leaves the folder or is none: {name[:200]!r}")
    return name

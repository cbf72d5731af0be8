"""Names of collections, bags, attempts and stores (docs/format.md, section 1)."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from functools import total_ordering
from typing import Final

from strongroom.core.errors import InvalidValueError

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
#: What can name a collection.
NAMES: Final = "1 to 64 of the characters a–z 0–9 . _ - (a letter or digit first, no full stop last, and no name that Windows reserves)"
_VERSION: Final = re.compile(r"v([1-9][0-9]{0,8})\Z")
_UUID_HEX: Final = re.compile(r"[0-9a-f]{32}\Z")
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?\Z", re.IGNORECASE)


def is_reserved_name(segment: str) -> bool:
    """Whether Windows refuses a file of this name ("aux", "nul.txt")."""
    return _RESERVED.match(segment) is not None


def check_collection_name(name: str) -> str:
    """`name` itself, if it can name a collection. Raises InvalidValueError saying what is allowed."""
    if not _NAME.match(name) or name.endswith(".") or is_reserved_name(name):
        raise InvalidValueError(f"{name!r} cannot name a collection, which takes {NAMES}")
    return name


def new_id() -> str:
    """A fresh id for an attempt, a writer or a store: 32 random hexadecimal digits."""
    return uuid.uuid4().hex


def check_id(text: str) -> str:
    """`text` itself, if it is an id. Raises InvalidValueError."""
    if not _UUID_HEX.match(text):
        raise InvalidValueError(f"not an id of 32 lower-case hexadecimal digits: {text[:80]!r}")
    return text


@total_ordering
@dataclass(frozen=True, slots=True)
class BagId:
    """The label of a bag.

    >>> str(BagId.parse("mysite/v12"))
    'mysite/v12'
    """

    name: str
    version: int

    def __post_init__(self) -> None:
        check_collection_name(self.name)
        if self.version < 1:
            raise InvalidValueError(f"bag versions count from 1, not {self.version}")

    @classmethod
    def parse(cls, text: str) -> BagId:
        name, _, version = text.partition("/")
        match = _VERSION.match(version)
        if match is None:
            raise InvalidValueError(f"not a bag: {text!r}; a bag is NAME/vN, such as mysite/v3")
        return cls(name, int(match[1]))

    def __str__(self) -> str:
        return f"{self.name}/v{self.version}"

    def __lt__(self, other: BagId) -> bool:
        return (self.name, self.version) < (other.name, other.version)

"""Digests: names of byte strings."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Final, Protocol

from strongroom.core.errors import InvalidValueError

#: Digest lengths in hexadecimal digits, by the name that BagIt manifests use (RFC 8493, 2.4).
HEX_LENGTH: Final = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128,
                     "sha3-256": 64, "sha3-512": 128, "blake2b-512": 128}
_HEX: Final = re.compile(r"[0-9a-f]+\Z")
_HASHLIB: Final = {"sha3-256": "sha3_256", "sha3-512": "sha3_512", "blake2b-512": "blake2b"}


class Hash(Protocol):
    """The part of hashlib's objects that we use."""

    def update(self, data: bytes | bytearray | memoryview, /) -> None: ...
    def digest(self) -> bytes: ...
    def hexdigest(self) -> str: ...


def new_hash(algorithm: str) -> Hash:
    """A running hash for a BagIt algorithm name ("sha256"). Raises InvalidValueError for an unknown one."""
    return hash_of(algorithm)(b"")


@cache
def hash_of(algorithm: str) -> Callable[[bytes | bytearray | memoryview], Hash]:
    """What makes a hash of this name from its first bytes: for many small ones, since looking a name up costs more than hashing 2 KiB.

    Raises InvalidValueError for an unknown name.
    """
    if algorithm not in HEX_LENGTH:
        raise InvalidValueError(f"unknown digest algorithm {algorithm!r}; known are {', '.join(HEX_LENGTH)}")
    return partial(getattr(hashlib, _HASHLIB.get(algorithm, algorithm)), usedforsecurity=False)


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A SHA-256: the name of a content, a pack, a seal.

    >>> Digest.of(b"").hex[:8]
    'e3b0c442'
    """

    hex: str

    def __post_init__(self) -> None:
        if len(self.hex) != 64 or not _HEX.match(self.hex):
            raise InvalidValueError(f"not a SHA-256 in lower-case hexadecimal: {self.hex[:80]!r}")

    @classmethod
    def of(cls, data: bytes | bytearray | memoryview) -> Digest:
        return cls(hashlib.sha256(data).hexdigest())

    @classmethod
    def from_bytes(cls, raw: bytes) -> Digest:
        return cls(raw.hex())

    @property
    def raw(self) -> bytes:
        return bytes.fromhex(self.hex)

    @property
    def ni(self) -> str:
        """The digest as in a Named Information URI (RFC 6920, 3): base64url without padding."""
        return base64.urlsafe_b64encode(self.raw).decode().rstrip("=")

    @classmethod
    def from_ni(cls, text: str) -> Digest:
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise InvalidValueError(f"not a base64url SHA-256: {text[:80]!r}") from None
        return cls(raw.hex())

    def __str__(self) -> str:
        return self.hex

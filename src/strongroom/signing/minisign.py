"""minisign's public keys and signatures (https://jedisct1.github.io/minisign/, "Signature format" and "Public key format")."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError

UNTRUSTED: Final = "untrusted comment: "
TRUSTED: Final = "trusted comment: "
PLAIN: Final = b"Ed"  # of keys, and of signatures over the message itself
HASHED: Final = b"ED"  # of signatures over the message's BLAKE2b-512
#: minisign refuses longer ones.
MAX_COMMENT: Final = 8000


@dataclass(frozen=True, slots=True, order=True)
class PublicKey:
    """An Ed25519 public key and the id that minisign gave it. The id is a hint for finding it: anybody can make a key of any id."""

    id: bytes  # 8 bytes, drawn at random
    point: bytes  # 32 bytes (RFC 8032, 5.1.5)

    @classmethod
    def parse(cls, data: bytes, *, what: str) -> PublicKey:
        """A public key file, or its second line alone ("RWQ…", 56 characters). `what` names it in the InvalidValueError."""
        lines = data.decode("utf-8", "replace").strip().split("\n")
        if len(lines) > 2 or (len(lines) == 2 and not lines[0].startswith(UNTRUSTED)):
            raise InvalidValueError(f"{what}: not a minisign public key: a line `{UNTRUSTED}…` and one of 56 characters are expected")
        raw = decode(lines[-1].strip(), 42, what)
        if raw[:2] != PLAIN:
            raise InvalidValueError(f"{what}: not an Ed25519 public key of minisign")
        return cls(raw[2:10], raw[10:])

    @property
    def raw(self) -> bytes:
        return PLAIN + self.id + self.point

    @property
    def fingerprint(self) -> Digest:
        """The SHA-256 of the 42 bytes that `text` encodes: the key's one name."""
        return Digest.of(self.raw)

    @property
    def text(self) -> str:
        """As `minisign -P` takes it."""
        return base64.b64encode(self.raw).decode()

    @property
    def name(self) -> str:
        """The id as minisign prints it: "B854C0AB48C1C9F3"."""
        return key_name(self.id)

    def file(self) -> bytes:
        """The public key file, byte for byte as minisign writes it."""
        return f"{UNTRUSTED}minisign public key {self.name}\n{self.text}\n".encode()

    def verifies(self, signature: bytes, message: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.point).verify(signature, message)
        except (InvalidSignature, ValueError):  # ValueError: the bytes are no point of the curve
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signature:
    """A minisign signature: four lines, each ended by one LF."""

    algorithm: bytes
    key_id: bytes
    signature: bytes  # 64 bytes, over the message or its BLAKE2b-512
    comment: str  # signed
    global_signature: bytes  # 64 bytes, over `signature` and the bytes of `comment`
    untrusted: str = "signature from minisign secret key"  # not signed; minisign's own words

    @classmethod
    def parse(cls, data: bytes, *, what: str) -> Signature:
        """Strictly: one reading and no other. Raises InvalidValueError, naming `what`."""
        try:
            first, second, third, fourth, rest = data.decode("utf-8").split("\n")
        except ValueError:  # not UTF-8 is one as well
            raise InvalidValueError(f"{what}: not a minisign signature: four lines of UTF-8 are expected") from None
        if not first.startswith(UNTRUSTED) or not third.startswith(TRUSTED) or rest or len(third) > MAX_COMMENT:
            raise InvalidValueError(f"{what}: not a minisign signature: its comments are not where they belong")
        raw, whole = decode(second, 74, what), decode(fourth, 64, what)
        if raw[:2] not in (PLAIN, HASHED):
            raise InvalidValueError(f"{what}: a signature by an algorithm that minisign does not have")
        return cls(raw[:2], raw[2:10], raw[10:], third.removeprefix(TRUSTED), whole, first.removeprefix(UNTRUSTED))

    def to_bytes(self) -> bytes:
        head, tail = (base64.b64encode(raw).decode() for raw in (self.algorithm + self.key_id + self.signature, self.global_signature))
        return f"{UNTRUSTED}{self.untrusted}\n{head}\n{TRUSTED}{self.comment}\n{tail}\n".encode()

    def is_by(self, key: PublicKey, message: bytes) -> bool:
        """Whether `key` signed `message` and the comment."""
        signed = signed_bytes(message) if self.algorithm == HASHED else message
        return (
            self.key_id == key.id
            and key.verifies(self.signature, signed)
            and key.verifies(self.global_signature, self.signature + self.comment.encode())
        )


def signed_bytes(message: bytes) -> bytes:
    """What a pre-hashed signature signs: BLAKE2b-512 of the message."""
    return hashlib.blake2b(message).digest()


def key_name(key_id: bytes) -> str:
    """A key's id as minisign prints it: little-endian, upper-case hexadecimal without leading zeros."""
    return f"{int.from_bytes(key_id, 'little'):X}"


def decode(text: str, length: int, what: str) -> bytes:
    """Base64 of exactly `length` bytes, in its one canonical spelling: no bit of it can change unnoticed."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raw = b""
    if len(raw) != length or base64.b64encode(raw).decode() != text:
        raise InvalidValueError(f"{what}: not the base64 of {length} bytes that belongs here")
    return raw

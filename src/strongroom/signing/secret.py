"""minisign's encrypted secret keys, and signing with them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import time
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from strongroom.core.errors import InvalidValueError, StrongroomError, UsageError
from strongroom.signing.minisign import HASHED, MAX_COMMENT, PLAIN, UNTRUSTED, PublicKey, Signature, decode, signed_bytes

_COMMENT: Final = "minisign encrypted secret key"
_SCRYPT, _BLAKE2B = b"Sc", b"B2"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a guess at a passphrase costs, as libsodium counts it (crypto_pwhash_scryptsalsa208sha256)."""

    operations: int
    memory: int  # bytes


#: minisign's own: 1 GiB of memory and some seconds for each decryption.
SENSITIVE: Final = Cost(33_554_432, 1 << 30)


class Signer:
    """An unlocked private key. It cannot be pickled or printed, so it stays in the process that unlocked it."""

    def __init__(self, key: PublicKey, seed: bytes) -> None:
        self.key = key
        self._private = Ed25519PrivateKey.from_private_bytes(seed)

    def sign(self, message: bytes, comment: str = "") -> bytes:
        """A minisign signature file over `message`, pre-hashed, with the trusted `comment` (one line; empty: minisign's usual)."""
        comment = comment or f"timestamp:{int(time.time())}"
        if not comment.isprintable() or len(comment) > MAX_COMMENT - 100:
            raise InvalidValueError("a trusted comment is one printable line")
        signature = self._private.sign(signed_bytes(message))
        return Signature(HASHED, self.key.id, signature, comment, self._private.sign(signature + comment.encode())).to_bytes()

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a private key does not leave its process")

    def __repr__(self) -> str:
        return f"Signer({self.key.name})"


def make(passphrase: bytes, cost: Cost = SENSITIVE) -> tuple[Signer, bytes]:
    """A new key: unlocked, and as the file that keeps it under `passphrase`."""
    seed, key_id = os.urandom(32), os.urandom(8)
    point = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    key = PublicKey(key_id, point)
    plain = key_id + seed + point
    plain += _checksum(plain)
    salt = os.urandom(32)
    hidden = _xor(plain, _stretch(passphrase, salt, cost))
    limits = cost.operations.to_bytes(8, "little") + cost.memory.to_bytes(8, "little")
    raw = PLAIN + _SCRYPT + _BLAKE2B + salt + limits + hidden
    return Signer(key, seed), f"{UNTRUSTED}{_COMMENT}\n{base64.b64encode(raw).decode()}\n".encode()


def unlock(file: bytes, passphrase: bytes, *, what: str) -> Signer:
    """The private key in a secret key file. Raises InvalidValueError (no such file), UsageError (wrong passphrase)."""
    lines = file.decode("utf-8", "replace").strip().split("\n")
    if len(lines) != 2 or not lines[0].startswith(UNTRUSTED):
        raise InvalidValueError(f"{what}: not a minisign secret key")
    raw = decode(lines[1], 158, what)
    if raw[:6] != PLAIN + _SCRYPT + _BLAKE2B:
        raise InvalidValueError(f"{what}: not a secret key encrypted by a passphrase; `minisign -C` gives it one")
    cost = Cost(int.from_bytes(raw[38:46], "little"), int.from_bytes(raw[46:54], "little"))
    if cost.memory > 4 * SENSITIVE.memory or cost.operations > 4 * SENSITIVE.operations:
        raise InvalidValueError(f"{what}: asks for more memory to decrypt it than minisign ever does")
    plain = _xor(raw[54:], _stretch(passphrase, raw[6:38], cost))
    if not hmac.compare_digest(plain[72:], _checksum(plain[:72])):
        raise UsageError(f"{what}: wrong passphrase (or the file is damaged)")
    return Signer(PublicKey(plain[:8], plain[40:72]), plain[8:40])


def _checksum(plain: bytes) -> bytes:
    return hashlib.blake2b(PLAIN + plain[:72], digest_size=32).digest()


def _stretch(passphrase: bytes, salt: bytes, cost: Cost) -> bytes:
    n, p = _parameters(cost)
    try:
        return hashlib.scrypt(passphrase, salt=salt, n=n, r=8, p=p, maxmem=(n * 8 * 128 + p * 8 * 128 + (4 << 20)), dklen=104)
    except (MemoryError, ValueError) as error:
        raise StrongroomError(f"decrypting a private key needs {cost.memory >> 20} MiB of memory, which cannot be had: {error}") from None


def _parameters(cost: Cost) -> tuple[int, int]:
    """scrypt's N and p for r = 8, as libsodium's pickparams chooses them."""
    operations = max(cost.operations, 32768)
    if operations < cost.memory // 32:
        return 1 << _bits(operations // 32), 1
    bits = _bits(cost.memory // 1024)
    return 1 << bits, max(1, min((operations // 4) >> bits, 0x3FFFFFFF) // 8)


def _bits(most: int) -> int:
    return next(bits for bits in range(1, 64) if 1 << bits > most // 2)


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))

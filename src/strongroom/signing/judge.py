"""What a signature is worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError
from strongroom.signing.minisign import PublicKey, Signature
from strongroom.signing.statements import Revocation
from strongroom.signing.trust import Trust


class Standing(Enum):
    TRUSTED = "trusted"
    UNKNOWN_KEY = "unknown key"  # by a key nobody here trusts; it may be right, or anybody's
    UNSIGNED = "unsigned"
    BROKEN = "broken"  # no signature, or not over these bytes
    REVOKED = "revoked"  # by a key that was revoked, and nothing shows that it was signed before


@dataclass(frozen=True, slots=True)
class Judgement:
    standing: Standing
    key: PublicKey | None = None  # whose signature it is; None where that is not known
    key_id: bytes = b""  # as the signature says it
    comment: str = ""  # signed, where the standing is trusted, unknown key (with a key) or revoked


def judge(message: bytes, signature: bytes | None, trust: Trust) -> Standing:
    """What `signature`, the bytes of a minisign signature or None, says about `message`."""
    return examine(message, signature, trust).standing


def examine(
    message: bytes, signature: bytes | None, trust: Trust, before: Callable[[Revocation], bool] | None = None
) -> Judgement:
    """As `judge`, and who signed. `before` tells of a revocation whether the message was signed before it; by default, whether
    the revocation names the message."""
    if signature is None:
        return Judgement(Standing.UNSIGNED)
    try:
        parsed = Signature.parse(signature, what="signature")
    except InvalidValueError:
        return Judgement(Standing.BROKEN)
    candidates = trust.candidates(parsed.key_id)
    key = next((key for key in candidates if parsed.is_by(key, message)), None)
    if key is None:
        return Judgement(Standing.BROKEN if candidates else Standing.UNKNOWN_KEY, key_id=parsed.key_id)
    if not trust.is_trusted(key):
        return Judgement(Standing.UNKNOWN_KEY, key, key.id, parsed.comment)
    digest = Digest.of(message)
    early = before or (lambda revocation: revocation.names(digest))
    held = all(map(early, trust.revocations(key)))
    return Judgement(Standing.TRUSTED if held else Standing.REVOKED, key, key.id, parsed.comment)

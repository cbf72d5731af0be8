"""What keys say about keys: rotations and revocations (docs/format.md, section 10.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from strongroom.core import canonical
from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError
from strongroom.core.ids import BagId, check_id
from strongroom.core.seal import Head, Previous
from strongroom.signing.minisign import PublicKey, Signature

FORMAT: Final = "strongroom-key-statement/1"


@dataclass(frozen=True, slots=True)
class Rotation:
    """`by` names the key that follows it: who trusts the one trusts the other."""

    by: Digest
    successor: PublicKey
    made: str  # UTC, a hint

    def to_bytes(self) -> bytes:
        return canonical.dumps({
            "format": FORMAT, "statement": "rotation", "by": self.by.hex, "successor": self.successor.text, "made": self.made,
        })


@dataclass(frozen=True, slots=True)
class Revocation:
    """`by` says that `key` is not to be believed any more, but for what it signed before, which is named."""

    by: Digest
    key: Digest
    log: Mapping[str, Head]  # by writer: the last batches of the log that are trusted
    seals: tuple[Previous, ...]  # the last trusted seal of each collection; those before it follow from `previous`
    signed: tuple[Digest, ...]  # other things the key signed that still hold: rotations, takedowns
    reason: str
    made: str

    def to_bytes(self) -> bytes:
        return canonical.dumps({
            "format": FORMAT, "statement": "revocation", "by": self.by.hex, "key": self.key.hex,
            "log": {writer: {"seq": head.seq, "sha256": head.sha256.hex} for writer, head in self.log.items()},
            "seals": [{"bag": str(one.bag), "seal": one.seal.hex} for one in sorted(self.seals, key=lambda one: (one.bag, one.seal))],
            "signed": sorted(digest.hex for digest in self.signed), "reason": self.reason, "made": self.made,
        })

    def names(self, digest: Digest) -> bool:
        """Whether it says of what has this SHA-256 that it still holds."""
        return digest in self.signed or any(one.seal == digest for one in self.seals)


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement as it lies in a store: its bytes, and a signature over them."""

    data: bytes
    signature: bytes

    @property
    def digest(self) -> Digest:
        return Digest.of(self.data)

    @property
    def statement(self) -> Rotation | Revocation:
        return parse(self.data, what="a statement of a key")

    def holds(self, key: PublicKey) -> bool:
        """Whether `key` is the one that states this, and signed it."""
        if self.statement.by != key.fingerprint:
            return False
        try:
            return Signature.parse(self.signature, what="a signature").is_by(key, self.data)
        except InvalidValueError:
            return False


def parse(data: bytes, *, what: str) -> Rotation | Revocation:
    """Raises InvalidValueError, naming `what`, if these bytes are no statement."""
    value = canonical.loads(data, what=what)
    try:
        statement = _parse(value)
    except (KeyError, TypeError, AttributeError, InvalidValueError) as error:
        raise InvalidValueError(f"{what}: not a statement of a key: {error}") from error
    return statement


def _parse(value: dict[str, Any]) -> Rotation | Revocation:
    if value["format"] != FORMAT:
        raise InvalidValueError(f"format is {value['format']!r}, expected {FORMAT!r}")
    by, made = Digest(value["by"]), str(value["made"])
    if value["statement"] == "rotation":
        return Rotation(by, PublicKey.parse(str(value["successor"]).encode(), what="successor"), made)
    if value["statement"] != "revocation":
        raise InvalidValueError(f"statement is {value['statement']!r}")
    log = {check_id(writer): Head(int(head["seq"]), Digest(head["sha256"])) for writer, head in value["log"].items()}
    seals = tuple(Previous(BagId.parse(one["bag"]), Digest(one["seal"])) for one in value["seals"])
    return Revocation(by, Digest(value["key"]), log, seals, tuple(map(Digest, value["signed"])), str(value["reason"]), made)

"""The seal: the object that makes an attempt the bag (docs/format.md, section 5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from strongroom import __version__
from strongroom.core import canonical
from strongroom.core.canonical import check_count
from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError
from strongroom.core.ids import BagId, check_id

FORMAT = "strongroom-seal/1"


@dataclass(frozen=True, slots=True)
class Previous:
    """The seal before: label and digest of its bytes."""

    bag: BagId
    seal: Digest


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a writer's log: the last batch's number and the digest of its bytes."""

    seq: int
    sha256: Digest


@dataclass(frozen=True, slots=True)
class Seal:
    bag: BagId
    collection: str  # UUID, 32 hexadecimal digits
    attempt: str
    store: str  # id of the store it was made in
    previous: Previous | None
    tag_manifests: Mapping[str, Digest]  # by file name: "tagmanifest-sha256.txt"
    payload_bytes: int
    payload_files: int
    state: Digest
    log: Mapping[str, Head]  # by writer
    sealed: str
    software: str = field(default=f"strongroom {__version__}")
    signer: Digest | None = None  # fingerprint of the key that signs it; None: it is not signed

    def to_bytes(self) -> bytes:
        return canonical.summed({
            "format": FORMAT,
            "bag": str(self.bag),
            "collection": self.collection,
            "attempt": self.attempt,
            "store": self.store,
            "previous": None if self.previous is None else {"bag": str(self.previous.bag), "seal": self.previous.seal.hex},
            "tag_manifests": {name: digest.hex for name, digest in self.tag_manifests.items()},
            "payload": {"bytes": self.payload_bytes, "files": self.payload_files},
            "state": self.state.hex,
            "log": {writer: {"seq": head.seq, "sha256": head.sha256.hex} for writer, head in self.log.items()},
            "sealed": self.sealed,
            "software": self.software,
            **({} if self.signer is None else {"signer": self.signer.hex}),
        })


@dataclass(frozen=True, slots=True)
class Void:
    """A seal that takes a number out of use: there is no such bag."""

    bag: BagId
    previous: Previous | None
    sealed: str

    def to_bytes(self) -> bytes:
        previous = None if self.previous is None else {"bag": str(self.previous.bag), "seal": self.previous.seal.hex}
        return canonical.summed({"format": FORMAT, "bag": str(self.bag), "attempt": None, "previous": previous, "sealed": self.sealed})


def parse_seal(data: bytes, *, what: str) -> Seal | Void:
    """The seal these bytes are. `what` names the object in the message of the InvalidValueError if they are none."""
    value = canonical.loads(data, what=what)
    try:
        canonical.check_sum(value, data, what="it")
        return _seal(value)
    except InvalidValueError as error:
        raise InvalidValueError(f"{what}: not a seal: {error}") from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InvalidValueError(f"{what}: not a seal: {type(error).__name__} {error}") from error


def _seal(value: dict[str, Any]) -> Seal | Void:
    if value["format"] != FORMAT:
        raise InvalidValueError(f"format is {value['format']!r}, expected {FORMAT!r}")
    bag = BagId.parse(value["bag"])
    before = value["previous"]
    previous = None if before is None else Previous(BagId.parse(before["bag"]), Digest(before["seal"]))
    if value["attempt"] is None:
        return Void(bag, previous, str(value["sealed"]))
    manifests = {name: Digest(text) for name, text in value["tag_manifests"].items()}
    if "tagmanifest-sha256.txt" not in manifests or not all(_is_tag_manifest(name) for name in manifests):
        raise InvalidValueError("tag_manifests must name tagmanifest-sha256.txt and nothing but tag manifests")
    log = {check_id(writer): Head(check_count(head["seq"]), Digest(head["sha256"])) for writer, head in value["log"].items()}
    return Seal(
        bag, check_id(value["collection"]), check_id(value["attempt"]), check_id(value["store"]), previous, manifests,
        check_count(value["payload"]["bytes"]), check_count(value["payload"]["files"]), Digest(value["state"]), log, str(value["sealed"]),
        str(value["software"]), None if value.get("signer") is None else Digest(value["signer"]),
    )


def _is_tag_manifest(name: str) -> bool:
    return re.fullmatch(r"tagmanifest-[a-z0-9-]{1,32}\.txt", name) is not None

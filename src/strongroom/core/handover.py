"""What goes with a handover, as documents: the inventory of the package and the receipt for it (docs/format.md, section 11)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from strongroom.core import canonical
from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError
from strongroom.core.ids import BagId, check_id
from strongroom.core.plural import plural
from strongroom.core.sizes import human_size

INVENTORY: Final = "strongroom-handover/1"
RECEIPT: Final = "strongroom-receipt/1"


@dataclass(frozen=True, slots=True)
class HandedBag:
    """One bag of a handover: its identity, and the file of the package that holds it."""

    bag: BagId
    seal: Digest
    collection: str  # UUID, 32 hexadecimal digits
    path: str  # in the package
    sha256: Digest  # of that file
    files: int  # payload files
    bytes: int

    def to_json(self) -> dict[str, Any]:
        return {
            "bag": str(self.bag), "seal": self.seal.hex, "collection": self.collection, "path": self.path,
            "sha256": self.sha256.hex, "payload": {"bytes": self.bytes, "files": self.files},
        }


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything in a package, but the inventory itself, its signature and the text made from it."""

    handover: str  # 32 hexadecimal digits
    made: str  # UTC, a hint
    sender: str | None
    bags: tuple[HandedBag, ...]
    files: tuple[tuple[str, int, Digest], ...]  # other files of the package: path, bytes, SHA-256

    def to_bytes(self) -> bytes:
        return canonical.dumps({
            "format": INVENTORY, "handover": self.handover, "made": self.made, "sender": self.sender,
            "bags": [bag.to_json() for bag in self.bags],
            "files": [{"path": path, "bytes": size, "sha256": digest.hex} for path, size, digest in self.files],
        })

    def receipt(self) -> bytes:
        """The receipt to be filled in: indented, since a person edits it."""
        value = {
            "format": RECEIPT, "handover": self.handover, "inventory": Digest.of(self.to_bytes()).hex,
            "received_by": "", "received": "", "note": "",
            "bags": [{"bag": str(bag.bag), "seal": bag.seal.hex, "outcome": ""} for bag in self.bags],
        }
        return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def parse_inventory(data: bytes, *, what: str) -> Inventory:
    """The inventory in these bytes. Raises InvalidValueError."""
    value = canonical.loads(data, what=what)
    try:
        if value["format"] != INVENTORY:
            raise InvalidValueError(f"format is {value['format']!r}, expected {INVENTORY!r}")
        bags = tuple(
            HandedBag(
                BagId.parse(one["bag"]), Digest(one["seal"]), check_id(one["collection"]), str(one["path"]),
                Digest(one["sha256"]), int(one["payload"]["files"]), int(one["payload"]["bytes"]),
            )
            for one in value["bags"]
        )
        files = tuple((str(one["path"]), int(one["bytes"]), Digest(one["sha256"])) for one in value["files"])
        sender = value.get("sender")
        return Inventory(check_id(value["handover"]), str(value["made"]), sender if isinstance(sender, str) else None, bags, files)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InvalidValueError(f"{what}: not the inventory of a handover: {error}") from error


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as it came back."""

    handover: str
    inventory: Digest
    received_by: str
    received: str
    note: str
    bags: Mapping[str, tuple[str, str]]  # by label: seal and outcome as written


def parse_receipt(data: bytes, *, what: str) -> Receipt:
    """The receipt in these bytes, whatever it says. Raises InvalidValueError if it is none."""
    value = canonical.loads(data, what=what)
    try:
        if value["format"] != RECEIPT:
            raise InvalidValueError(f"format is {value['format']!r}, expected {RECEIPT!r}")
        bags = {str(one["bag"]): (str(one["seal"]), str(one["outcome"])) for one in value["bags"]}
        return Receipt(
            check_id(value["handover"]), Digest(value["inventory"]), str(value["received_by"]), str(value["received"]),
            str(value.get("note", "")), bags,
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InvalidValueError(f"{what}: not a receipt: {error}") from error


def differences(inventory: Inventory, inventory_digest: Digest, receipt: Receipt) -> Iterator[tuple[str, str]]:
    """(place, what) for each thing that the receipt says otherwise than what was handed over, or does not say."""
    if receipt.handover != inventory.handover:
        yield "handover", f"is for {receipt.handover}, not for {inventory.handover}"
    if receipt.inventory != inventory_digest:
        yield "inventory", f"names the inventory {receipt.inventory.hex}; the one handed over is {inventory_digest.hex}"
    for name, text in (("received_by", receipt.received_by), ("received", receipt.received)):
        if not text.strip():
            yield name, "is empty: whoever received the package fills it in"
    left = dict(receipt.bags)
    for bag in inventory.bags:
        found = left.pop(str(bag.bag), None)
        if found is None:
            yield str(bag.bag), "was handed over and is not in the receipt"
            continue
        seal, outcome = found
        if seal != bag.seal.hex:
            yield str(bag.bag), f"was handed over with the seal {bag.seal.hex}; the receipt has {seal[:80]}"
        if outcome != "received":
            said = f"says {outcome[:80]!r}" if outcome.strip() else "says nothing"
            yield str(bag.bag), f"the receipt {said} of it, not 'received'"
    for label in left:
        yield label[:200], "is in the receipt and was not handed over"


def listing(inventory: Inventory) -> list[str]:
    """The inventory for people, a line each."""
    lines = [f"Handover {inventory.handover}", f"made {inventory.made}" + (f" by {inventory.sender}" if inventory.sender else ""), ""]
    for bag in inventory.bags:
        lines += [
            str(bag.bag), f"  seal        {bag.seal.hex}", f"  collection  {bag.collection}", f"  lies in     {bag.path}",
            f"  payload     {plural(bag.files, 'file')}, {human_size(bag.bytes)}", f"  SHA-256     {bag.sha256.hex}",
        ]
    return [*lines, "", "Other files", *(f"  {digest.hex}  {path}" for path, _, digest in inventory.files)]

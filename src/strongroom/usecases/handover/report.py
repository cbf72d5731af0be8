"""What came of a handover, and of a receipt for one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strongroom.core.digests import Digest
from strongroom.core.findings import Finding, has_errors
from strongroom.core.plural import plural


@dataclass(frozen=True, slots=True)
class HandoverRequest:
    """Every bag of these collections, to the new folder `dest`; each bag as `form` (tar, zip)."""

    names: tuple[str, ...]
    dest: Path
    form: str = "tar"
    source: str | None = None
    seals: tuple[Digest, ...] = ()  # which bags, where labels are forked


@dataclass(frozen=True, slots=True)
class HandoverReport:
    """`result` is None where nothing was made."""

    handover: str  # its id
    bags: tuple[tuple[str, str], ...]  # label and seal
    dest: str
    result: str | None
    inventory: str | None  # SHA-256 of inventory.json
    signed_by: str | None  # the key's name
    logged: tuple[str, ...]  # URLs of the stores whose logs tell of it
    findings: tuple[Finding, ...]

    @property
    def exit_status(self) -> int:
        return 1 if has_errors(self.findings) else 0

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/handover-report.schema.json."""
        return {
            "format": "strongroom-handover-report/1", "handover": self.handover,
            "bags": [{"bag": bag, "seal": seal} for bag, seal in self.bags], "destination": self.dest, "result": self.result,
            "inventory": self.inventory, "signed_by": self.signed_by, "logged": list(self.logged),
            "findings": [finding.to_json() for finding in self.findings],
        }

    def summary(self) -> list[str]:
        """Lines for people."""
        if self.result is None:
            return [f"nothing was handed over: nothing was written to {self.dest}"]
        signed = f"signed with the key {self.signed_by}" if self.signed_by else "not signed: no key was ever set (`strongroom keys new`)"
        return [
            f"{plural(len(self.bags), 'bag is', 'bags are')} ready to be handed over in {self.result}",
            f"inventory.json has the SHA-256 {self.inventory}, {signed}",
            "its README.txt tells the receiver what to check; receipt.json comes back: `strongroom handover --receipt FILE`",
        ]


@dataclass(frozen=True, slots=True)
class ReceiptReport:
    """What a receipt that came back is worth."""

    handover: str
    agrees: bool  # with what was handed over
    received_by: str
    signature: str  # trusted, unknown key, unsigned, broken, revoked
    logged: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def exit_status(self) -> int:
        return 1 if has_errors(self.findings) else 0

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/receipt-report.schema.json."""
        return {
            "format": "strongroom-receipt-report/1", "handover": self.handover, "agrees": self.agrees, "received_by": self.received_by,
            "signature": self.signature, "logged": list(self.logged), "findings": [finding.to_json() for finding in self.findings],
        }

    def summary(self) -> list[str]:
        """Lines for people."""
        who = self.received_by or "nobody named"
        said = "confirms everything that was handed over" if self.agrees else "does NOT confirm all that was handed over"
        return [f"the receipt of {who} {said}; signature: {self.signature}", f"recorded in the logs of {plural(len(self.logged), 'store')}"]

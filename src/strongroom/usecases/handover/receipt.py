"""A receipt that came back: whether it confirms what was handed over, and who says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError, UsageError
from strongroom.core.events import Outcome
from strongroom.core.findings import Code, Finding
from strongroom.core.handover import Inventory, Receipt, differences, parse_inventory, parse_receipt
from strongroom.runner.interface import Runner
from strongroom.signing import Keyring, PublicKey, Standing, examine
from strongroom.usecases.context import Context
from strongroom.usecases.handover.report import ReceiptReport
from strongroom.usecases.handover.telling import keep, papers, tell
from strongroom.usecases.sealed.collector import Collector

_LIMIT: Final = 64 << 20


def take_receipt(
    file: Path, context: Context, runner: Runner, *, signature: Path | None = None, key: Path | None = None, inventory: Path | None = None
) -> ReceiptReport:
    """Hold the receipt against what was handed over, keep it, and record it in the logs of the stores.

    `signature`: by default FILE.minisig, if there is one; `key`: the receiver's public key; `inventory`: our copy, where the one
    that is kept below STRONGROOM_HOME is lost. Raises UsageError if there is no such handover, or the receipt is none.
    """
    collector = Collector(runner.finding)
    data = _read(file, "receipt")
    receipt = _parse_receipt(data, file)
    handed, digest = _inventory(receipt, context, inventory)
    for place, what in differences(handed, digest, receipt):
        collector.add(Finding(Code.RECEIPT_DIFFERS, f"{file}: {place}", what))
    beside = signature or file.with_name(f"{file.name}.minisig")
    signed = _read(beside, "signature") if signature is not None or beside.exists() else None
    standing, signer = _judge(data, signed, key, context, file, collector)
    agrees = not collector.has_errors
    folder = papers(context, handed.handover)
    keep(folder, "receipt.json", data)
    if signed is not None:
        keep(folder, "receipt.json.minisig", signed)
    who = f"{receipt.received_by or 'nobody named'}, {receipt.received or 'undated'}"
    detail = f"receipt for handover {handed.handover} by {who}; signature: {standing.value}{signer}"
    note = "" if agrees else "; ".join(finding.message for finding in collector.findings())[:2000]
    outcome = Outcome.SUCCESS if agrees else Outcome.FAIL
    told = tell(handed.bags, detail, [f"sha256:{Digest.of(data).hex}"], context, collector, outcome=outcome, note=note)
    return ReceiptReport(handed.handover, agrees, receipt.received_by, standing.value, told, collector.findings())


def _inventory(receipt: Receipt, context: Context, given: Path | None) -> tuple[Inventory, Digest]:
    path = given or papers(context, receipt.handover) / "inventory.json"
    if given is None and not path.exists():
        what = f"no handover {receipt.handover} was made here: {path} is not there"
        raise UsageError(f"{what}; --inventory names another copy of inventory.json")
    data = _read(path, "inventory")
    try:
        return parse_inventory(data, what=str(path)), Digest.of(data)
    except InvalidValueError as error:
        raise UsageError(str(error)) from error


def _judge(
    data: bytes, signature: bytes | None, key: Path | None, context: Context, file: Path, collector: Collector
) -> tuple[Standing, str]:
    """What the signature is worth, and by whom it is."""
    trust = Keyring(context.home).trust()
    if key is not None:
        try:
            given = PublicKey.parse(_read(key, "public key"), what=str(key))
        except InvalidValueError as error:
            raise UsageError(str(error)) from error
        trust = replace(trust, explicit=trust.explicit | {given})
    judged = examine(data, signature, trust)
    name = f" by key {judged.key.name}" if judged.key is not None else ""
    match judged.standing:
        case Standing.TRUSTED:
            pass
        case Standing.UNSIGNED:
            collector.add(Finding(Code.RECEIPT_UNSIGNED, str(file), "is not signed: anybody could have written it"))
        case Standing.UNKNOWN_KEY:
            what = "is signed by a key that is not trusted here; --key names the receiver's public key"
            collector.add(Finding(Code.RECEIPT_UNSIGNED, str(file), what))
        case _:
            collector.add(Finding(Code.RECEIPT_DIFFERS, str(file), f"its signature is {judged.standing.value}{name}"))
    return judged.standing, name


def _parse_receipt(data: bytes, file: Path) -> Receipt:
    try:
        return parse_receipt(data, what=str(file))
    except InvalidValueError as error:
        raise UsageError(f"{error}; name the receipt.json of the package, as the receiver filled it in") from error


def _read(path: Path, what: str) -> bytes:
    try:
        with path.open("rb") as opened:
            data = opened.read(_LIMIT + 1)
    except OSError as error:
        raise UsageError(f"{path}: the {what} cannot be read: {error.strerror}") from error
    if len(data) > _LIMIT:
        raise UsageError(f"{path}: is too large for a {what}")
    return data

"""Making the package: every bag of some collections, what proves them, and the papers that go with them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from strongroom.core import canonical
from strongroom.core.digests import Digest
from strongroom.core.errors import DestinationError, NotFoundInStoreError, StoreUnreachableError, UsageError
from strongroom.core.events import utc_now
from strongroom.core.findings import Code
from strongroom.core.handover import HandedBag, Inventory, listing
from strongroom.core.ids import new_id
from strongroom.runner.interface import Runner
from strongroom.signing import Keyring, Signer
from strongroom.stores.generations import read_all
from strongroom.usecases.context import Context
from strongroom.usecases.export.description import describe
from strongroom.usecases.export.place import Place
from strongroom.usecases.export.proof import seal_bytes, signature_bytes
from strongroom.usecases.export.request import ExportRequest
from strongroom.usecases.export.run import export
from strongroom.usecases.export.versions import every_version
from strongroom.usecases.handover.events import events_about
from strongroom.usecases.handover.readme import readme
from strongroom.usecases.handover.report import HandoverReport, HandoverRequest
from strongroom.usecases.handover.telling import keep, papers, tell
from strongroom.usecases.sealed.bag import open_bag
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.objects import CHUNK
from strongroom.usecases.sealed.places import Places, Target

_KEY_LIMIT: Final = 1 << 20
#: Errors that say nothing against what is handed over.
_HARMLESS: Final = frozenset({
    Code.FORKED, Code.SEAL_DAMAGED, Code.TOMBSTONE_REFUSED, Code.TOMBSTONE_DAMAGED, Code.TOMBSTONE_MISSING,
})


def handover(request: HandoverRequest, context: Context, runner: Runner) -> HandoverReport:
    """Write the package to `request.dest`, where it appears when it is complete, and tell the logs of the stores of it.

    The inventory is signed where a key is set. Raises as `export`, and UsageError if the key's passphrase cannot be had.
    """
    if len(set(request.names)) != len(request.names):
        raise UsageError("a collection is named twice")
    collector = Collector(runner.finding)
    signer = Keyring(context.home).signer()
    targets = [
        target for name in request.names
        for target in every_version(name, context, collector, source=request.source, seals=request.seals)
    ]
    with context.scratch("handover") as scratch, Place(request.dest, folder=True, say=runner.say) as place:
        return _Handover(request, context, scratch, place, runner, collector, signer).run(targets)


class _Handover:
    def __init__(
        self, request: HandoverRequest, context: Context, scratch: Path, place: Place, runner: Runner, collector: Collector,
        signer: Signer | None,
    ) -> None:
        self._request, self._context, self._scratch, self._place = request, context, scratch, place
        self._runner, self._collector, self._signer = runner, collector, signer
        self._root = place.partial
        self._sender: str | None = None

    def run(self, targets: list[Target]) -> HandoverReport:
        identity = new_id()
        try:
            (self._root / "bags").mkdir()
            bags = tuple(bag for number, target in enumerate(targets) if (bag := self._bag(number, target)) is not None)
            if len(bags) < len(targets) or self._collector.errors() - _HARMLESS:
                return self._report(identity, bags, None, None, ())
            with self._runner.stage("papers"):
                self._events(targets)
                self._keys(targets)
                inventory = self._papers(identity, bags)
        except OSError as error:
            raise DestinationError(f"{self._root}: {error.strerror}; nothing is left there") from error
        data = inventory.to_bytes()
        keep(papers(self._context, identity), "inventory.json", data)  # before anybody can have the package
        self._place.publish()
        digest = Digest.of(data)
        detail = f"handed over as {identity}: every version of {', '.join(self._request.names)}, to whoever signs the receipt"
        told = tell(bags, detail, [f"sha256:{digest.hex}"], self._context, self._collector)
        return self._report(identity, bags, str(self._place.dest), digest, told)

    def _bag(self, number: int, target: Target) -> HandedBag | None:
        """Export one bag into the package, with its seal; None if it cannot be had whole (then findings say why)."""
        bag = open_bag(target, self._scratch / f"tags-{number}", self._collector)
        self._sender = self._sender or (describe(bag, self._context).custodian or {}).get("name")
        folder = self._root / "seals" / bag.id.name / f"v{bag.id.version}"
        folder.mkdir(parents=True)
        (folder / "seal.json").write_bytes(seal_bytes(bag))
        if (signature := signature_bytes(bag)) is not None:
            (folder / "seal.minisig").write_bytes(signature)
        form = self._request.form
        path = f"bags/{bag.id.name}-v{bag.id.version}.{form}"
        request = ExportRequest(
            bag.id.name, self._root / path, form, version=bag.id.version, source=self._request.source, seals=(bag.digest,))
        report = export(request, self._context, self._runner)
        self._collector.extend(report.findings, shown=True)
        if report.result is None or report.sha256 is None:
            return None
        return HandedBag(bag.id, bag.digest, bag.seal.collection, path, Digest(report.sha256), report.files, report.bytes)

    def _events(self, targets: list[Target]) -> None:
        names = frozenset(self._request.names)
        (self._root / "events").mkdir()
        for name in self._request.names:
            first = next(target for target in targets if target.bag.name == name)
            with (self._root / "events" / f"{name}.jsonl").open("wb") as out:
                for event in events_about(names, first.places):
                    if any(str(one).startswith(f"{name}/") for one in event["event"]["linkingObjectIdentifier"]):
                        out.write(canonical.dumps(event))

    def _keys(self, targets: list[Target]) -> None:
        """The public keys and what is said of them, as the stores have them; and the one that signs here."""
        folder = self._root / "keys"
        folder.mkdir()
        for target in targets[:1]:
            _copy_keys(target.places, folder)
        if self._signer is not None:
            (folder / "sender.pub").write_bytes(self._signer.key.file())

    def _papers(self, identity: str, bags: tuple[HandedBag, ...]) -> Inventory:
        made = utc_now()
        key = self._signer.key.text if self._signer is not None else None
        example = f"{bags[0].bag.name}-v{bags[0].bag.version}"
        (self._root / "README.txt").write_text(readme(identity, made, len(bags), self._request.form, example, key), encoding="utf-8")
        files = tuple(_listed(self._root, {bag.path for bag in bags}))
        inventory = Inventory(identity, made, self._sender, bags, files)
        data = inventory.to_bytes()
        (self._root / "inventory.json").write_bytes(data)
        (self._root / "inventory.txt").write_text("\n".join(listing(inventory)) + "\n", encoding="utf-8")
        if self._signer is not None:
            comment = f"handover {identity}, inventory.json"
            (self._root / "inventory.json.minisig").write_bytes(self._signer.sign(data, comment))
        listed = {bag.path: bag.sha256 for bag in bags} | {path: digest for path, _, digest in files}
        listed |= {path: digest for path, _, digest in _listed(self._root, listed)}
        sums = "".join(f"{listed[path].hex}  {path}\n" for path in sorted(listed))
        (self._root / "SHA256SUMS").write_text(sums, encoding="utf-8")
        (self._root / "receipt.json").write_bytes(inventory.receipt())
        return inventory

    def _report(
        self, identity: str, bags: tuple[HandedBag, ...], result: str | None, inventory: Digest | None, told: tuple[str, ...]
    ) -> HandoverReport:
        return HandoverReport(
            identity, tuple((str(bag.bag), bag.seal.hex) for bag in bags), str(self._request.dest), result,
            inventory.hex if inventory else None, self._signer.key.name if self._signer else None, told, self._collector.findings(),
        )


def _copy_keys(places: Places, folder: Path) -> None:
    for store in places:
        with suppress(StoreUnreachableError):
            for stat in store.list("keys/"):
                target = folder / stat.key.text.removeprefix("keys/")
                with suppress(NotFoundInStoreError):
                    data = read_all(store, stat.key, _KEY_LIMIT)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    if not target.exists():
                        target.write_bytes(data)


def _listed(root: Path, but: Iterable[str]) -> list[tuple[str, int, Digest]]:
    """Every file below `root` with its size and digest, less those at `but`."""
    left_out = set(but)
    found = []
    for file in sorted(root.rglob("*")):
        path = file.relative_to(root).as_posix()
        if file.is_file() and path not in left_out:
            hashing = hashlib.sha256()
            with file.open("rb") as opened:
                while chunk := opened.read(CHUNK):
                    hashing.update(chunk)
            found.append((path, file.stat().st_size, Digest(hashing.hexdigest())))
    return found


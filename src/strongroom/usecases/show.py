"""What one bag holds, and where it lies."""

from __future__ import annotations

import contextlib
import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from strongroom.catalogue.formats import FormatTotal
from strongroom.core.bag.baginfo import Element, parse_bag_info
from strongroom.core.digests import Digest
from strongroom.core.errors import StoreError
from strongroom.core.findings import Finding, has_errors
from strongroom.core.formats import Format
from strongroom.signing import Keyring
from strongroom.usecases.context import Context
from strongroom.usecases.sealed.bag import SealedBag, open_bag
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import known_bags
from strongroom.usecases.sealed.places import resolve
from strongroom.usecases.signatures.reporting import judge_opened
from strongroom.usecases.signatures.seals import Signature
from strongroom.usecases.withheld.loading import load_withheld

_LARGEST: Final = 10
_LISTED: Final = 1000  # excluded and withheld files that are listed one by one; all are counted
#: MIME types that are told apart; what a hostile bag invents beyond them is counted together.
_TYPES: Final = 1000


@dataclass(frozen=True, slots=True)
class Signed:
    """Who signed the seal, and whether to believe it."""

    standing: str  # "trusted", "unknown key", "unsigned", "broken", "revoked"; "unread" where no store has the seal whole
    key: str | None  # fingerprint
    label: str | None  # this installation's word for the key
    comment: str  # the trusted comment of the signature


@dataclass(frozen=True, slots=True)
class ShowReport:
    bag: str
    seal: str
    collection: str  # UUID
    sealed: str  # UTC; a hint
    software: str
    previous: str | None  # NAME/vN
    files: int
    bytes: int
    folders: int
    links: int
    info: tuple[tuple[str, str], ...]  # bag-info.txt
    stores: tuple[tuple[str, str | None], ...]  # URL and id (None: not known to the catalogue) of the stores that hold it
    validation: Any  # metadata/validation.json, without the list of what is wrong
    excluded: int
    excluded_paths: tuple[tuple[str, str], ...]  # path and reason, the first of them
    largest: tuple[tuple[str, int], ...]  # path and bytes, largest first
    types: tuple[tuple[str, int, int], ...]  # MIME type ("" not identified), files, bytes; most files first
    formats: tuple[FormatTotal, ...]  # as the bag was sealed; most files first
    signed: Signed
    withheld: int  # payload files
    withheld_paths: tuple[tuple[str, str], ...]  # path and reason, the first of them
    findings: tuple[Finding, ...]

    @property
    def exit_status(self) -> int:
        return 1 if has_errors(self.findings) else 0

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/show-report.schema.json."""
        return {
            "format": "strongroom-show-report/1", "bag": self.bag, "seal": self.seal, "collection": self.collection, "sealed": self.sealed,
            "software": self.software, "previous": self.previous, "files": self.files, "bytes": self.bytes, "folders": self.folders,
            "links": self.links, "info": [{"label": label, "value": value} for label, value in self.info],
            "stores": [{"url": url, "id": store} for url, store in self.stores],
            "validation": self.validation, "excluded": self.excluded,
            "excluded_paths": [{"path": path, "reason": reason} for path, reason in self.excluded_paths],
            "largest": [{"path": path, "bytes": size} for path, size in self.largest],
            "types": [{"type": kind or None, "files": files, "bytes": size} for kind, files, size in self.types],
            "formats": [{**one.format.to_json(), "files": one.files, "bytes": one.bytes} for one in self.formats],
            "signed": {"standing": self.signed.standing, "key": self.signed.key, "label": self.signed.label, "says": self.signed.comment},
            "withheld": self.withheld,
            "withheld_paths": [{"path": path, "reason": reason} for path, reason in self.withheld_paths],
            "findings": [finding.to_json() for finding in self.findings],
        }


def show(
    name: str, version: int | None, context: Context, *, source: str | None = None, seal: Digest | None = None
) -> ShowReport:
    """Read a bag's seal and the tag files that describe it. Raises as restore does."""
    collector = Collector()
    target = resolve(name, version, context, collector, source=source, seal=seal)
    with context.scratch("show") as scratch:
        bag = open_bag(target, scratch, collector)
        signature = judge_opened(bag, context, collector)
        types, largest = _payload(bag)
        kinds: Counter[str] = Counter()
        excluded: list[tuple[str, str]] = []
        for line in bag.lines("metadata/structure.jsonl"):
            kind = str(line.get("kind"))
            kinds[kind if kind in ("directory", "symlink", "excluded") else ""] += 1
            if kind == "excluded" and len(excluded) < _LISTED:
                excluded.append((str(line.get("path")), str(line.get("reason"))))
        count, withheld = _withheld(bag, context, scratch, collector)
        return ShowReport(
            str(bag.id), bag.digest.hex, bag.seal.collection, bag.seal.sealed, bag.seal.software,
            str(bag.seal.previous.bag) if bag.seal.previous else None, bag.seal.payload_files, bag.seal.payload_bytes, kinds["directory"],
            kinds["symlink"], tuple(_info(bag)), _stores(bag, context), _validation(bag), kinds["excluded"], tuple(excluded), largest,
            types, _formats(bag), _signed(signature, Keyring(context.home)), count, withheld, collector.findings(),
        )


def _signed(signature: Signature | None, keyring: Keyring) -> Signed:
    if signature is None:
        return Signed("unread", None, None, "")
    found = signature.judgement
    labels = dict(keyring.trusted())
    return Signed(found.standing.value, found.key.fingerprint.hex if found.key else None, labels.get(found.key) if found.key else None,
                  found.comment)


def _withheld(bag: SealedBag, context: Context, scratch: Path, collector: Collector) -> tuple[int, tuple[tuple[str, str], ...]]:
    """How many payload files are withheld by what is kept here and in the stores it was read from, and the first with the reason."""
    withheld = load_withheld(context.home, bag.places.opened, scratch / "withheld", collector.add)
    count = 0
    paths: list[tuple[str, str]] = []
    if len(withheld):
        with contextlib.closing(withheld):
            for entry in bag.manifest():
                reason = withheld.reason(entry.digest.raw)
                if reason is not None:
                    count += 1
                    if len(paths) < _LISTED:
                        paths.append((entry.path, reason))
    return count, tuple(paths)


def _payload(bag: SealedBag) -> tuple[tuple[tuple[str, int, int], ...], tuple[tuple[str, int], ...]]:
    """Types and largest files, out of metadata/technical.jsonl."""
    files: Counter[str] = Counter()
    sizes: Counter[str] = Counter()

    def described() -> Iterator[tuple[int, str]]:
        for line in bag.lines("metadata/technical.jsonl"):
            kind, size = line.get("type"), line.get("size")
            size = size if type(size) is int else 0
            kind = kind if isinstance(kind, str) else ""
            if kind not in files and len(files) >= _TYPES:
                kind = "others"
            files[kind] += 1
            sizes[kind] += size
            yield size, str(line.get("path"))

    largest = heapq.nsmallest(_LARGEST, described(), key=lambda one: (-one[0], one[1]))
    types = sorted(((kind, count, sizes[kind]) for kind, count in files.items()), key=lambda one: (-one[1], one[0]))
    return tuple(types), tuple((path, size) for size, path in largest)


def _formats(bag: SealedBag) -> tuple[FormatTotal, ...]:
    """Out of metadata/formats.jsonl."""
    found = [
        FormatTotal(Format.of_json(line), *(max(0, line[name]) if type(line.get(name)) is int else 0 for name in ("files", "bytes")))
        for line in islice(bag.lines("metadata/formats.jsonl"), _TYPES)
    ]
    return tuple(sorted(found, key=lambda one: (-one.files, one.format)))


def _info(bag: SealedBag) -> Iterator[tuple[str, str]]:
    path = bag.tag_file("bag-info.txt")
    if path is not None:
        with path.open("rb") as lines:
            yield from ((item.label, item.value) for item in parse_bag_info(lines) if isinstance(item, Element))


def _validation(bag: SealedBag) -> Any:
    """The counts of the validation report."""
    report = bag.document("metadata/validation.json")
    return {key: value for key, value in report.items() if not isinstance(value, list | dict)} if isinstance(report, dict) else None


def _stores(bag: SealedBag, context: Context) -> tuple[tuple[str, str | None], ...]:
    """The stores the catalogue knows to hold this very bag, and the one it was read from."""
    known = known_bags(context, bag.id.name)
    addresses = known.addresses(row for row in known.rows if row.seal == bag.digest)
    stores: dict[str, str | None] = {address.url: address.id for address in addresses}
    with contextlib.suppress(StoreError):
        stores.setdefault(bag.places.first().url, None)
    return tuple(stores.items())

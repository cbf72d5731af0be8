"""One bag from its reception to its seal. The functions stand in the order in which they run."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from strongroom import __version__
from strongroom.collections.model import CollectionManifest, MetadataSettings
from strongroom.core import canonical
from strongroom.core.bag.baginfo import Element, bag_info_name, parse_bag_info
from strongroom.core.digests import HEX_LENGTH
from strongroom.core.errors import UsageError
from strongroom.core.events import Event, EventType, Outcome, utc_now
from strongroom.core.findings import Code, Finding
from strongroom.core.plural import plural
from strongroom.core.sizes import human_size
from strongroom.runner.interface import Runner
from strongroom.signing.keyring import Keyring
from strongroom.signing.trust import Trust
from strongroom.usecases.archive.delivery import Delivery
from strongroom.usecases.archive.report import ArchiveReport
from strongroom.usecases.context import Context
from strongroom.usecases.imports import naming, own, target
from strongroom.usecases.imports.describe import clean_text, describe
from strongroom.usecases.imports.received import Received, receive
from strongroom.usecases.imports.report import ImportedBag
from strongroom.usecases.imports.request import ImportRequest
from strongroom.usecases.imports.strictness import check_strictly
from strongroom.usecases.imports.tags import FOLDER, KeptTags, keep_tags
from strongroom.usecases.replicate.after import archive_and_replicate
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.verify.bag import Bag
from strongroom.usecases.verify.index import Index
from strongroom.usecases.verify.report import VerifyReport
from strongroom.usecases.verify.verification import examine

_MOST_ELEMENTS: Final = 10_000  # of bag-info.txt
_MOST_TEXT: Final = 16 << 20  # characters of them


@dataclass(slots=True)
class Validated:
    """A bag that was found valid, and what it says of itself."""

    received: Received
    report: VerifyReport
    elements: list[tuple[str, str]]
    kept: KeptTags
    origin: own.Own | None
    index: Path


def import_bag(
    path: Path, place: Path, request: ImportRequest, context: Context, runner: Runner, findings: Collector, done: ImportedBag
) -> None:
    """Import the bag at `path`, with `place`, an empty folder, to work in; what came of it is put into `done` and `findings`.

    Raises UnpackError and RefusedError where the bag is refused, StrongroomError and OSError where the machinery fails.
    """
    received, notes = receive(path, place, request.limits, runner)
    findings.extend(notes)
    done.form, done.sha256, done.size = received.form, received.sha256, received.size
    valid = validate(received, place, request, Keyring(context.home).trust(), runner, findings, done)
    if valid is None:
        return
    want = naming.wanted(valid.elements, valid.origin, received.name, _manifest_digest(valid))
    name, uuid = naming.choose(request.collection, want, lambda name: target.owner_of(name, request, context, place))
    manifest = _manifest(name, uuid, valid, request, context, findings)
    report = _archive(manifest, valid, place, request, context, runner)
    done.archived = report
    done.outcome = report.outcome
    findings.extend(report.findings, shown=True)


def validate(
    received: Received, place: Path, request: ImportRequest, trust: Trust, runner: Runner, findings: Collector, done: ImportedBag
) -> Validated | None:
    """The bag, if it is valid and may be taken; its payload is not copied. What is wrong with it are findings."""
    index = Index(str(place))
    try:
        bag = Bag(os.fsencode(received.root), index)
        with runner.stage(f"validate {received.path.name}") as progress:
            report = examine(bag, str(received.path), workers=runner.workers, progress=progress)
        done.bagit, done.algorithms = report.version, report.payload_algorithms
        done.files, done.bytes = report.payload_files, report.payload_bytes
        findings.extend(report.findings)
        findings.extend(check_strictly(bag, fetched=request.fetched))
        if findings.has_errors:
            return None
        elements = _elements(bag, findings)
        kept = keep_tags(bag, place / "tags")
        findings.extend(kept.findings)
        origin, said = own.recognise(elements, kept, received.path)
        findings.extend(said)
    finally:
        index.close()
    findings.extend(own.judge_signature(origin, trust))
    file = place / "bag.sqlite"
    findings.extend(own.load_names(origin, kept, file))
    if findings.has_errors:
        return None
    done.origin = None if origin is None else str(origin.bag)
    return Validated(received, report, elements, kept, origin, file)


def _elements(bag: Bag, findings: Collector) -> list[tuple[str, str]]:
    name = bag_info_name(bag.declaration.version)
    if not bag.has(name):
        return []
    found: list[tuple[str, str]] = []
    size = 0
    for item in parse_bag_info(bag.chunks(name), version=bag.declaration.version, encoding=bag.declaration.encoding):
        if isinstance(item, Element):
            size += len(item.label) + len(item.value)
            if len(found) >= _MOST_ELEMENTS or size > _MOST_TEXT:
                findings.add(Finding(Code.IMPORT_REFUSED, name, f"has more than {_MOST_ELEMENTS:,} elements or {_MOST_TEXT:,} characters"))
                break
            found.append((item.label, item.value))
    return found


def _manifest_digest(valid: Validated) -> str:
    """Of the strongest payload manifest, as it was received."""
    strength = list(HEX_LENGTH)
    with closing(sqlite3.connect(valid.index)) as db:
        rows = db.execute("SELECT name, algorithm FROM manifests WHERE NOT tag AND known").fetchall()
    name, _ = max(rows, key=lambda row: (HEX_LENGTH[row[1]], strength.index(row[1])))
    return valid.kept.sha256[name]


def _manifest(
    name: str, uuid: str, valid: Validated, request: ImportRequest, context: Context, findings: Collector
) -> CollectionManifest:
    manifest = target.own_manifest(name, context) if request.collection is not None else None
    if manifest is None:
        source = valid.received.path
        described = describe(valid.elements, valid.origin, clean_text(valid.received.name))
        try:
            manifest = target.write_manifest(name, uuid, source, described, request, context)
        except UsageError as error:  # what a bag says of itself is no fault of whoever imports it
            message = f"what it says of itself cannot be taken over as it is, and stays in its tag files: {error}"
            findings.add(Finding(Code.IMPORT_NOTE, str(source), message))
            manifest = target.write_manifest(name, uuid, source, {"title": described.get("title") or name}, request, context)
    return replace(
        manifest, source=valid.received.root / "data", mode="snapshot", include=(), exclude=(),
        symlinks="refuse", metadata=MetadataSettings(),
    )


def _archive(
    manifest: CollectionManifest, valid: Validated, place: Path, request: ImportRequest, context: Context, runner: Runner
) -> ArchiveReport:
    told = place / "import.json"
    told.write_bytes(canonical.dumps(_provenance(valid)))
    delivery = Delivery(
        valid.index, tuple(name for name in valid.report.payload_algorithms if name in HEX_LENGTH),
        (*valid.kept.files, (f"{FOLDER}/import.json", told)), tuple(_events(valid)),
        technical=own.tag_file(valid.origin, valid.kept, "metadata/technical.jsonl"),
        structure=own.tag_file(valid.origin, valid.kept, "metadata/structure.jsonl"),
    )
    return archive_and_replicate(manifest, context, runner, replicas=request.replicas, accept_loss=True, delivery=delivery)


def _provenance(valid: Validated) -> dict[str, Any]:
    """`metadata/imported/import.json` (docs/format.md, 4.4)."""
    received, report, origin = valid.received, valid.report, valid.origin
    events = sorted(path for path in valid.kept.copies if _holds_events(path))
    return {
        "format": "strongroom-import/1", "imported": utc_now(), "software": f"strongroom {__version__}",
        "name": os.fsencode(received.path.name).decode("utf-8", "backslashreplace"), "form": received.form, "sha256": received.sha256,
        "bytes": received.size, "version": report.version, "encoding": report.encoding, "manifests": list(report.payload_algorithms),
        "tag_manifests": list(report.tag_algorithms), "payload": {"bytes": report.payload_bytes, "files": report.payload_files},
        "bag_info": [{"label": label, "value": value} for label, value in valid.elements], "events": events,
        "origin": None if origin is None else {
            "bag": str(origin.bag), "collection": origin.collection, "seal": None if origin.seal is None else origin.seal.hex,
        },
    }


def _holds_events(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return path == "metadata/events.jsonl" or (name.endswith((".xml", ".json")) and "premis" in name)


def _events(valid: Validated) -> list[Event]:
    received, report = valid.received, valid.report
    objects = () if received.sha256 is None else (f"sha256:{received.sha256}",)
    file = f"as {received.form} of {human_size(received.size or 0)} with the SHA-256 {received.sha256}"
    came = "as a folder" if received.sha256 is None else file
    outcome = Outcome.WARNING if report.findings else Outcome.SUCCESS
    note = plural(len(report.findings), "warning") if report.findings else ""
    checked = f"BagIt {report.version} bag: complete and valid by its manifests ({', '.join(report.payload_algorithms)})"
    return [
        Event(EventType.VALIDATION, checked, objects, outcome, note),
        Event(EventType.INGESTION, f"a bag made by others was received {came}; {plural(report.payload_files, 'file')}, "
              f"{human_size(report.payload_bytes)}; its tag files are kept below {FOLDER}/bag/", objects),
    ]

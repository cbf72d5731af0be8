"""Bags of our own making that come back: which bag it was, and what its seal and signature say of it."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
import uuid
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from strongroom.core import canonical
from strongroom.core.bag.manifest import parse_manifest_lines
from strongroom.core.bag.problems import Problem
from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId
from strongroom.core.paths import ESCAPED_FOLDER, from_payload_text, to_payload_text
from strongroom.core.seal import Seal, parse_seal
from strongroom.signing.judge import Standing, judge
from strongroom.signing.trust import Trust
from strongroom.usecases.imports.tags import KeptTags

_COLLECTION: Final = "metadata/collection.json"
_LARGEST: Final = 16 << 20
#: Where an export keeps the seal of the bag it was made from, and that bag's tag manifests.
_PROOF: Final = "metadata/strongroom"


@dataclass(frozen=True, slots=True)
class Own:
    """What a bag says that Strongroom wrote. All of it is the bag's word, but for `seal`."""

    bag: BagId
    collection: str  # UUID, 32 hexadecimal digits
    document: dict[str, Any]  # its collection.json
    seal: Digest | None = None  # if it came along and fits the bag
    seal_bytes: bytes | None = None
    signature: bytes | None = None


def collection_uuid(elements: Iterable[tuple[str, str]]) -> str | None:
    """The UUID (32 hexadecimal digits) of the first External-Identifier that is one: "urn:uuid:…"."""
    for label, value in elements:
        if label.lower() == "external-identifier" and value.lower().startswith("urn:uuid:"):
            try:
                return uuid.UUID(value[9:]).hex
            except ValueError:
                continue
    return None


def recognise(elements: list[tuple[str, str]], kept: KeptTags, beside: Path) -> tuple[Own | None, list[Finding]]:
    """The bag of ours that this one was, or None. `beside`: where it lies, for a seal kept as NAME.seal.json beside it."""
    identity = collection_uuid(elements)
    label = next((bag for label, value in elements if label.lower() == "external-identifier" and (bag := _bag_id(value))), None)
    if identity is None or label is None or _COLLECTION not in kept.copies:
        return None, []
    document = _json(kept.copies[_COLLECTION], _COLLECTION)
    if not isinstance(document, dict) or document.get("collection") != label.name:
        return None, []
    own = Own(label, identity, document)
    seal_file = kept.copies.get(f"{_PROOF}/seal.json", beside.with_name(beside.name + ".seal.json"))
    signature_file = kept.copies.get(f"{_PROOF}/seal.minisig", beside.with_name(beside.name + ".seal.minisig"))
    if not seal_file.is_file() or seal_file.stat().st_size > _LARGEST:
        return own, [Finding(Code.IMPORT_NOTE, str(label), "says that it is this bag; its seal did not come along, so nothing shows it")]
    data = seal_file.read_bytes()
    reason = _misfit(data, own, kept)
    if reason:
        return own, [Finding(Code.IMPORT_REFUSED, str(label), f"came with a seal that is not its own: {reason}")]
    signature = signature_file.read_bytes() if signature_file.is_file() and signature_file.stat().st_size <= _LARGEST else None
    return Own(label, identity, document, Digest.of(data), data, signature), []


def judge_signature(origin: Own | None, trust: Trust) -> list[Finding]:
    """What the signature of a bag's seal says of it."""
    if origin is None or origin.seal_bytes is None:
        return []
    standing = judge(origin.seal_bytes, origin.signature, trust)
    place = str(origin.bag)
    if standing in (Standing.BROKEN, Standing.REVOKED):
        return [Finding(Code.IMPORT_REFUSED, place, f"came with its seal {origin.seal}, whose signature is {standing.value}")]
    return [Finding(Code.IMPORT_NOTE, place, f"is this bag as it was sealed ({origin.seal}); signature: {standing.value}")]


def _misfit(data: bytes, own: Own, kept: KeptTags) -> str:
    try:
        seal = parse_seal(data, what="seal.json")
    except InvalidValueError as error:
        return str(error)
    if not isinstance(seal, Seal) or seal.bag != own.bag or seal.collection != own.collection:
        return "it is of another bag"
    for folder in ("", f"{_PROOF}/"):
        digests = {name: kept.sha256.get(folder + name) for name in seal.tag_manifests}
        if all(digest.hex == digests[name] for name, digest in seal.tag_manifests.items()):
            return _unlike(kept, kept.copies[f"{folder}tagmanifest-sha256.txt"])
    return "the tag manifests it names are not in the bag"


def _unlike(kept: KeptTags, listing: Path) -> str:
    """Whether the sealed tag manifest lists another payload manifest than the bag has."""
    with listing.open("rb") as lines:
        for entry in parse_manifest_lines(lines, algorithm="sha256"):
            if not isinstance(entry, Problem) and entry.path == "manifest-sha256.txt":
                return "" if entry.digest == kept.sha256.get(entry.path) else "the payload is not the one that was sealed"
    return "it does not name a payload manifest"


def tag_file(own: Own | None, kept: KeptTags, path: str) -> Path | None:
    """A tag file of the bag of ours that this one was, where it has it; None if it is none of ours."""
    return None if own is None else kept.copies.get(f"{_PROOF}/sealed/{path}", kept.copies.get(path))


def load_names(own: Own | None, kept: KeptTags, index: Path) -> list[Finding]:
    """The table `names` of the index: which payload paths of a bag of ours stand for names that BagIt cannot hold."""
    with closing(sqlite3.connect(index, isolation_level=None)) as db:
        db.execute("CREATE TABLE IF NOT EXISTS names (path TEXT PRIMARY KEY, name BLOB NOT NULL) WITHOUT ROWID")
        file = tag_file(own, kept, "metadata/names.jsonl")
        if file is None:
            return []
        db.execute("BEGIN")
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    db.execute("INSERT INTO names VALUES (?, ?)", _name(line))
                except (InvalidValueError, KeyError, TypeError, ValueError, sqlite3.IntegrityError) as error:
                    return [Finding(Code.IMPORT_REFUSED, f"metadata/names.jsonl, line {number}", f"is no name of a payload file: {error}")]
        db.execute("COMMIT")
    return []


def _name(line: bytes) -> tuple[str, bytes]:
    value = canonical.loads_line(line, what="names.jsonl")
    path, name = str(value["path"]), base64.b64decode(value["bytes"], validate=True)
    if path != f"data/{ESCAPED_FOLDER}/{hashlib.sha256(name).hexdigest()}" or to_payload_text(name) != (path, True):
        raise InvalidValueError(f"{path[:200]!r} does not stand for {name[:200]!r}")
    from_payload_text(path, {path: name})
    return path, name


def _bag_id(value: str) -> BagId | None:
    try:
        return BagId.parse(value)
    except InvalidValueError:
        return None


def _json(file: Path, what: str) -> Any:
    if file.stat().st_size > _LARGEST:
        return None
    try:
        return canonical.loads(file.read_bytes(), what=what)
    except InvalidValueError:
        return None

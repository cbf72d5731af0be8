"""Writing a bag's tag files into a scratch folder, and its state digest (docs/format.md, section 4)."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from strongroom.catalogue.formats import FormatTotal
from strongroom.catalogue.slices import verdicts_about
from strongroom.collections.model import CollectionManifest
from strongroom.core import canonical
from strongroom.core.bag.baginfo import format_bag_info
from strongroom.core.bag.declaration import bagit_txt
from strongroom.core.bag.encoding import encode_path
from strongroom.core.digests import HEX_LENGTH, Digest, Hash, new_hash
from strongroom.core.events import Event
from strongroom.core.findings import Finding
from strongroom.core.formats import extension_of
from strongroom.core.ids import BagId
from strongroom.database import Where
from strongroom.usecases.archive.baginfo import bag_info
from strongroom.usecases.archive.formats import PayloadFormats
from strongroom.usecases.archive.near import near_duplicates
from strongroom.usecases.archive.spool import CONTENTS, Spool

#: The members of the collection manifest that describe the collection; a change of them is a new state (format.md, 4.3).
DESCRIPTIVE: Final = ("access", "accession", "agents", "arrangement", "authority", "collection", "description", "fixity", "identifiers",
                      "languages", "retention", "rights", "title")


@dataclass(frozen=True, slots=True)
class TagFile:
    """A tag file ready to be stored: path in the bag, where its bytes lie, length, digests by algorithm."""

    path: str
    file: Path
    length: int
    digests: dict[str, str]


@dataclass(slots=True)
class Payload:
    """What was learned while the payload's tag files were written."""

    tag_files: list[TagFile] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)  # of the state digest
    files: int = 0
    size: int = 0
    formats: tuple[FormatTotal, ...] = ()  # what was identified
    findings: tuple[Finding, ...] = ()  # about that


class _Writer:
    """A file being written that knows its digests."""

    def __init__(self, folder: Path, path: str, algorithms: Sequence[str]) -> None:
        self._path = path
        self._file = folder / path.replace("/", "~")
        self._out: BinaryIO = self._file.open("wb", buffering=1 << 20)
        self._hashes: dict[str, Hash] = {name: new_hash(name) for name in algorithms}
        self._length = 0

    def write(self, data: bytes) -> None:
        self._out.write(data)
        self._length += len(data)
        for running in self._hashes.values():
            running.update(data)

    def finish(self) -> TagFile:
        self._out.close()
        return TagFile(self._path, self._file, self._length, {name: running.hexdigest() for name, running in self._hashes.items()})


class TagFiles:
    """Makes the tag files of one bag in `folder`."""

    def __init__(self, folder: Path, manifest: CollectionManifest) -> None:
        self._folder = folder
        self._manifest = manifest
        self._algorithms = manifest.fixity
        folder.mkdir(exist_ok=True)

    def payload(self, spool: Spool, catalogue: Where, supplied: Iterable[tuple[str, Path]]) -> Payload:
        """Everything that does not depend on the bag's number. `supplied`: records and schema, by path in the bag."""
        done = Payload()
        self._manifests(spool, catalogue, done)
        self._duplicates(spool, done)
        self._unless_empty(done, "metadata/near-duplicates.jsonl", near_duplicates(spool, catalogue))
        self._others(spool, supplied, done)
        return done

    def state(self, spool: Spool, supplied: Iterable[tuple[str, Path]]) -> Payload:
        """The parts of the state digest alone, for a third of the work of `payload`."""
        done = Payload()
        manifest, modes = hashlib.sha256(), hashlib.sha256()
        rows = spool.db.cursor().execute("SELECT path, mode, sha256 FROM files WHERE sha256 IS NOT NULL ORDER BY path")
        while chunk := rows.fetchmany(1000):
            encoded = [(encode_path(path), mode, sha256.hex()) for path, mode, sha256 in chunk]
            manifest.update("".join([_MANIFEST_LINE % (digest, path) for path, _, digest in encoded]).encode())
            modes.update("".join([_MODE_LINE % (mode, path) for path, mode, _ in encoded]).encode())
        done.parts |= {"manifest-sha256": manifest.hexdigest(), "modes": modes.hexdigest()}
        self._others(spool, supplied, done)
        return done

    def _others(self, spool: Spool, supplied: Iterable[tuple[str, Path]], done: Payload) -> None:
        """What does not grow with the number of files, and names."""
        self._structure(spool, done)
        self._names(spool, done)
        records = []
        for path, file in sorted(supplied):
            done.tag_files.append(self._bytes(path, _chunks_of(file)))
            if path.startswith(("metadata/records/", "metadata/schema/", "metadata/imported/bag/")):
                records.append(f"{done.tag_files[-1].digests['sha256']}  {path}\n")
        done.parts["records"] = _sha256("".join(records).encode())
        document = self._manifest.document
        described = {name: document[name] for name in DESCRIPTIVE if name in document}
        done.parts["collection"] = _sha256(canonical.dumps(described))
        done.tag_files.append(self._bytes("metadata/collection.json", [canonical.dumps(document)]))
        done.tag_files.append(self._bytes("metadata/collection.yaml", [self._manifest.raw]))

    def bag(self, payload: Payload, bag: BagId, collection: str, events: Iterable[Event]) -> list[TagFile]:
        """Every tag file of the bag, the tag manifests last."""
        lines = (canonical.dumps(event.to_json()) for event in events)
        info = format_bag_info(bag_info(self._manifest, bag, collection, payload.files, payload.size))
        files = [
            *payload.tag_files,
            self._bytes("metadata/events.jsonl", lines),
            self._bytes("bag-info.txt", [info]),
            self._bytes("bagit.txt", [bagit_txt()]),
        ]
        files.sort(key=lambda file: file.path)
        manifests = [
            self._bytes(f"tagmanifest-{name}.txt", (f"{file.digests[name]}  {file.path}\n".encode() for file in files))
            for name in self._algorithms
        ]
        return files + manifests

    # -- one tag file each

    def _manifests(self, spool: Spool, catalogue: Where, done: Payload) -> None:
        names = [f"manifest-{name}.txt" for name in self._algorithms]
        others = [(HEX_LENGTH[name]) for name in self._algorithms[1:]]
        modes = hashlib.sha256()
        with ExitStack() as stack:
            writers = [_Writer(self._folder, name, self._algorithms) for name in (*names, "fetch.txt", "metadata/technical.jsonl")]
            stack.callback(lambda: done.tag_files.extend(writer.finish() for writer in writers))
            db = stack.enter_context(spool.with_catalogue(catalogue, *verdicts_about(CONTENTS)))
            db.create_function("extension_of", 1, extension_of, deterministic=True)
            rows = db.cursor().execute(
                "SELECT f.path, f.size, f.mtime, f.mode, f.sha256, f.others, f.type, t.verdict FROM files f LEFT JOIN cat.formats t "
                "ON ? AND t.sha256 = f.sha256 AND t.extension = extension_of(f.path) WHERE f.sha256 IS NOT NULL ORDER BY f.path",
                (self._manifest.identify,),
            )
            formats = PayloadFormats(db)
            prefix = f"https://{self._manifest.authority}/.well-known/ni/sha-256/"
            while chunk := rows.fetchmany(1000):
                lines: list[list[str]] = [[] for _ in writers]
                mode_lines = []
                for path, size, mtime, mode, sha256, other, carried, verdict in chunk:
                    encoded = encode_path(path)
                    lines[0].append(_MANIFEST_LINE % (sha256.hex(), encoded))
                    rest, at = other.hex(), 0
                    for number, length in enumerate(others, 1):
                        lines[number].append(f"{rest[at : at + length]}  {encoded}\n")
                        at += length
                    ni = base64.urlsafe_b64encode(sha256).decode().rstrip("=")
                    lines[-2].append(f"{prefix}{ni} {size} {encoded}\n")
                    before, after = _format_members(formats, path, size, carried, verdict)
                    quoted = json.dumps(path, ensure_ascii=False)
                    lines[-1].append(f'{{{before}"mode":"{mode:04o}","mtime":{mtime},"path":{quoted}{after}}}\n')
                    mode_lines.append(_MODE_LINE % (mode, encoded))
                    done.size += size
                done.files += len(chunk)
                modes.update("".join(mode_lines).encode())
                for writer, text in zip(writers, lines, strict=True):
                    writer.write("".join(text).encode())
            self._unless_empty(done, "metadata/formats.jsonl", formats.lines())
            done.formats, done.findings = formats.totals(), tuple(formats.findings())
        done.parts["manifest-sha256"] = next(file.digests["sha256"] for file in done.tag_files if file.path == "manifest-sha256.txt")
        done.parts["modes"] = modes.hexdigest()

    def _structure(self, spool: Spool, done: Payload) -> None:
        state = hashlib.sha256()

        def lines() -> Iterator[bytes]:
            for path, kind, mode, mtime, target, reason, name in spool.db.cursor().execute(
                "SELECT path, kind, mode, mtime, target, reason, name FROM structure ORDER BY path"
            ):
                value: dict[str, Any] = {"kind": kind, "path": path}
                if reason is not None:
                    value["reason"] = reason
                if name is not None:
                    value["bytes"] = base64.b64encode(name).decode()
                if mode is not None:
                    value["mode"] = f"{mode:04o}"
                if target is not None:
                    value["target"] = base64.b64encode(target).decode()
                if kind != "excluded":
                    state.update(canonical.dumps(value))
                    value["mtime"] = mtime or 0
                yield canonical.dumps(value)

        done.tag_files.append(self._bytes("metadata/structure.jsonl", lines()))
        done.parts["structure"] = state.hexdigest()

    def _names(self, spool: Spool, done: Payload) -> None:
        rows = spool.db.cursor().execute("SELECT path, name FROM names ORDER BY path")
        lines = (canonical.dumps({"bytes": base64.b64encode(name).decode(), "path": path}) for path, name in rows)
        done.parts["names"] = self._unless_empty(done, "metadata/names.jsonl", lines)

    def _duplicates(self, spool: Spool, done: Payload) -> None:
        # Sorted once, and compared with the row before: to group by content first takes twice the memory and the time.

        def pieces() -> Iterator[bytes]:
            rows = spool.db.cursor().execute("SELECT sha256, path FROM files WHERE sha256 IS NOT NULL ORDER BY sha256, path")
            # Written path by path: an empty file may occur a million times.
            last, first, several = b"", "", False
            for sha256, path in rows:
                if sha256 == last:
                    yield b"," if several else b'{"paths":[%b,' % json.dumps(first, ensure_ascii=False).encode()
                    yield json.dumps(path, ensure_ascii=False).encode()
                    several = True
                    continue
                if several:
                    yield _END_OF_DUPLICATES % last.hex().encode()
                last, first, several = sha256, path, False
            if several:
                yield _END_OF_DUPLICATES % last.hex().encode()

        with spool.frugal():
            self._unless_empty(done, "metadata/duplicates.jsonl", pieces())

    def _unless_empty(self, done: Payload, path: str, chunks: Iterable[bytes]) -> str:
        made = self._bytes(path, chunks)
        if made.length:
            done.tag_files.append(made)
        return made.digests["sha256"]

    def _bytes(self, path: str, chunks: Iterable[bytes]) -> TagFile:
        writer = _Writer(self._folder, path, self._algorithms)
        for chunk in chunks:
            writer.write(chunk)
        return writer.finish()


def _format_members(formats: PayloadFormats, path: str, size: int, carried: str | None, verdict: int | None) -> tuple[str, str]:
    """The members of a line of technical.jsonl before `mode` and after `path`, in the order of canonical JSON."""
    if verdict is None:
        return "", f',"size":{size}' + (f',"type":{json.dumps(carried)}' if carried else "")
    line, found = formats.note(path, size, verdict)
    puid = f',"puid":"{found.puid}"' if found.puid else ""
    return f'"format":{line},', f'{puid},"size":{size}' + (f',"type":{json.dumps(found.mime)}' if found.mime else "")


_MANIFEST_LINE: Final = "%s  %s\n"
_MODE_LINE: Final = "%04o %s\n"
_END_OF_DUPLICATES: Final = b'],"sha256":"%b"}\n'


def state_digest(payload: Payload) -> Digest:
    """The digest of what makes a state (docs/format.md, 4.3)."""
    order = ("manifest-sha256", "structure", "modes", "names", "records", "collection")
    return Digest.of("".join(("strongroom-state/1\n", *(f"{name} {payload.parts[name]}\n" for name in order))).encode())


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _chunks_of(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        read: Callable[[], bytes] = lambda: source.read(1 << 20)  # noqa: E731
        yield from iter(read, b"")

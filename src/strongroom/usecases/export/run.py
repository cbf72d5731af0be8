"""The export of one bag: read what it is, judge what it is to be, write it, let it appear."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from strongroom.core import canonical
from strongroom.core.bag.baginfo import format_bag_info
from strongroom.core.bag.oxum import Oxum
from strongroom.core.bag.profile import Profile
from strongroom.core.digests import Digest
from strongroom.core.errors import DestinationError, UsageError
from strongroom.core.events import parse_utc
from strongroom.core.findings import Code, Finding
from strongroom.core.sizes import human_size
from strongroom.runner.interface import Runner
from strongroom.usecases.context import Context
from strongroom.usecases.export import premis, rocrate
from strongroom.usecases.export.composition import PROOF, SEALED, WITHHELD, Composition, compose
from strongroom.usecases.export.contents import Contents
from strongroom.usecases.export.description import Description, describe
from strongroom.usecases.export.judging import judge_access, judge_names, judge_profile
from strongroom.usecases.export.place import Place
from strongroom.usecases.export.proof import seal_bytes, signature_bytes
from strongroom.usecases.export.request import ExportReport, ExportRequest
from strongroom.usecases.export.sink import FolderSink, Sink
from strongroom.usecases.export.taken_down import TakenDown
from strongroom.usecases.export.tar import TarSink
from strongroom.usecases.export.writing import Manifests, TagWriter, write_payload
from strongroom.usecases.export.zip import ZipSink
from strongroom.usecases.profiles import read_profile
from strongroom.usecases.restore.build import Builder
from strongroom.usecases.restore.limits import apply, probe
from strongroom.usecases.restore.plan import SKIPPED, Plan
from strongroom.usecases.sealed.bag import SealedBag, open_bag
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.objects import CHUNK
from strongroom.usecases.sealed.places import resolve

#: Errors that say nothing against the bag that was read.
_HARMLESS: Final = frozenset({
    Code.FORKED, Code.SEAL_DAMAGED, Code.TOMBSTONE_REFUSED, Code.TOMBSTONE_DAMAGED, Code.TOMBSTONE_MISSING,
})


def export(request: ExportRequest, context: Context, runner: Runner) -> ExportReport:
    """Write a bag, complete and verified, to `request.dest`, in another form or for a profile.

    What is missing for the profile, and what the form cannot hold, is said before anything is written. A bag of which something is
    lost does not appear at all. Raises UsageError (no such bag, something at the destination, a profile that is none), RefusedError
    (forked), DamagedBagError, StoreUnreachableError, DestinationError.
    """
    if request.form == "ocfl":
        from strongroom.usecases.export.ocfl.run import export_ocfl  # noqa: PLC0415

        return export_ocfl(request, context, runner)
    if len(request.seals) > 1:
        raise UsageError("--seal names one bag, and one is exported; for several versions use --as ocfl")
    profile = read_profile(request.profile) if request.profile is not None else None
    collector = Collector(runner.finding)
    seal = request.seals[0] if request.seals else None
    target = resolve(request.name, request.version, context, collector, source=request.source, seal=seal)
    with context.scratch("export") as scratch:
        bag = open_bag(target, scratch / "tags", collector)
        described = describe(bag, context)
        with closing(TakenDown(bag, context, scratch / "withheld")) as taken_down:
            return _Export(request, bag, described, profile, taken_down, scratch, runner).run()


class _Export:
    def __init__(
        self, request: ExportRequest, bag: SealedBag, described: Description, profile: Profile | None, taken_down: TakenDown,
        scratch: Path, runner: Runner,
    ) -> None:
        self._taken_down = taken_down
        self._request, self._bag, self._described, self._profile = request, bag, described, profile
        self._scratch, self._runner = scratch, runner
        sealed = parse_utc(bag.seal.sealed)
        self._moment = int(sealed.timestamp()) * 1_000_000_000 if sealed is not None else 0
        self._generated: dict[str, Callable[[SealedBag, Description, Container[Digest]], Iterator[bytes]]] = {}
        if request.ro_crate:
            self._generated[rocrate.NAME] = rocrate.crate
        if request.premis:
            self._generated[premis.NAME] = premis.premis
        partial = taken_down.files > 0
        new = profile is not None or partial or bool(self._generated)
        self._composed = compose(bag, described, profile, tuple(self._generated), partial=partial) if new else None
        self._seal = seal_bytes(bag) if new else b""
        self._signature = signature_bytes(bag) if new else None

    def run(self) -> ExportReport:
        bag, form = self._bag, self._request.form
        with self._runner.stage("judge"):
            judge_access(bag, self._described)
            judge_names(bag, form)
            if self._profile is not None and self._composed is not None:
                signed = self._signature is not None
                judge_profile(bag, self._profile, self._composed, self._described, form, self._taken_down, signed=signed)
            for path in bag.tag_files:
                bag.tag_file(path)  # a tag file that is lost is found out now
        if self._trouble():
            return self._report(None, 0, 0, None, ())
        folder = form == "dir"
        put = Place(self._request.dest, folder=folder, say=self._runner.say)
        with put as place, Plan(self._scratch / "plan.sqlite", create=True) as plan:
            contents = self._plan(plan, place.partial if folder else None)
            if self._trouble():
                return self._report(None, 0, 0, None, ())
            try:
                files, size = self._write(place, contents)
            except OSError as error:
                raise DestinationError(f"{place.partial}: {error.strerror}; nothing is left there; an export begins anew") from error
            if contents.lost or self._trouble():
                return self._report(None, files, size, None, tuple(contents.used))
            digest = None if folder else _sha256(place.partial)
            place.publish()
        return self._report(str(place.dest), files, size, digest, tuple(contents.used))

    def _trouble(self) -> bool:
        return bool(self._bag.collector.errors() - _HARMLESS)

    def _plan(self, plan: Plan, folder: Path | None) -> Contents:
        with self._runner.stage("plan"):
            builder = Builder(self._bag, plan, whole=True, matchers={})
            builder.build()
            if folder is not None:
                apply(probe(folder), plan, self._bag.collector, self._request.dest)
            self._taken_down.leave_out(plan)
        for (path,) in plan.rows(f"SELECT path FROM file WHERE state = {SKIPPED}"):  # noqa: S608
            what = "the destination cannot hold it beside another"
            self._bag.collector.add(Finding(Code.EXPORT_REFUSED, f"{self._bag.id}: {path}", what))
        contents = Contents(self._bag, plan, self._scratch, self._runner, self._moment)
        contents.locate()
        return contents

    def _write(self, place: Place, contents: Contents) -> tuple[int, int]:
        seal, composed = self._bag.seal, self._composed
        new = composed.new_manifests if composed is not None else ()
        stage = self._runner.stage("export", files=seal.payload_files, size=seal.payload_bytes)
        with self._sink(place) as sink, Manifests(new, self._scratch) as manifests, stage as progress:
            bagit = self._tag("bagit.txt")
            tags = TagWriter(sink, composed.tag_algorithms if composed is not None else (), self._moment)
            tags.file("bagit.txt", bagit)
            files, size = write_payload(contents, sink, manifests, progress)
            manifests.__exit__()  # on the disk before it is copied
            if composed is None:
                for path in sorted(self._bag.tag_files, key=lambda path: (path.startswith("tagmanifest-"), path.encode())):
                    if path != "bagit.txt":
                        tags.file(path, self._tag(path))
            else:
                self._write_tags(composed, tags, manifests, Oxum(size, files))
            sink.finish()
        return files, size

    def _write_tags(self, composed: Composition, tags: TagWriter, manifests: Manifests, oxum: Oxum) -> None:
        tags.data("bag-info.txt", format_bag_info(_measured(composed.info, oxum)))
        for algorithm in composed.kept_manifests:
            tags.file(f"manifest-{algorithm}.txt", self._tag(f"manifest-{algorithm}.txt"))
        for algorithm in composed.new_manifests:
            tags.file(f"manifest-{algorithm}.txt", manifests.file(algorithm))
        for path in composed.tag_files:
            tags.file(path, self._tag(path))
        if composed.proof:
            for path in composed.proof:
                tags.file(SEALED + path, self._tag(path))
            tags.data(f"{PROOF}seal.json", self._seal)
            if self._signature is not None:
                tags.data(f"{PROOF}seal.minisig", self._signature)
            tags.data(f"{PROOF}export.json", self._said(composed))
            if self._taken_down.files:
                tags.file(WITHHELD, self._taken_down.listing)
        for path, pairs in composed.stated.items():
            tags.data(path, format_bag_info(pairs))
        for path, pieces in self._generated.items():
            file = self._scratch / path.replace("/", "-")
            _write_pieces(file, pieces(self._bag, self._described, self._taken_down))
            tags.file(path, file)
        tags.finish()

    def _said(self, composed: Composition) -> bytes:
        """export.json: what was made of the sealed bag, so that it can be undone."""
        return canonical.dumps({
            "format": "strongroom-export/1", "bag": str(self._bag.id), "seal": self._bag.digest.hex,
            "profile": self._profile.identifier if self._profile else None,
            "sealed": sorted(composed.proof), "left_out": sorted(composed.left_out),
            "added": sorted((*composed.generated, *composed.stated, *(f"manifest-{one}.txt" for one in composed.new_manifests))),
        })

    def _tag(self, path: str) -> Path:
        file = self._bag.tag_file(path)
        if file is None:
            raise UsageError(f"{self._bag.id}: has no {path}")
        return file

    @contextmanager
    def _sink(self, place: Place) -> Iterator[Sink]:
        top = place.dest.name.removesuffix(f".{self._request.form}")
        if self._request.form == "dir":
            (place.partial / "data").mkdir()  # a bag has one, even without payload
            yield FolderSink(place.partial)
            return
        with place.partial.open("r+b") as out, (self._scratch / "directory").open("w+b") as directory:
            yield TarSink(out, top) if self._request.form == "tar" else ZipSink(out, top, directory)

    def _report(self, result: str | None, files: int, size: int, digest: str | None, stores: tuple[str, ...]) -> ExportReport:
        return ExportReport(
            bags=((str(self._bag.id), self._bag.digest.hex),), form=self._request.form, dest=str(self._request.dest), result=result,
            unchanged=self._composed is None, files=files, bytes=size, sha256=digest,
            profile=self._profile.identifier if self._profile else None, stores=stores, findings=self._bag.collector.findings(),
        )


def _measured(info: tuple[tuple[str, str], ...], oxum: Oxum) -> list[tuple[str, str]]:
    """The elements, with the sizes of what was written."""
    sizes = {"payload-oxum": str(oxum), "bag-size": human_size(oxum.octets)}
    return [(label, sizes.get(label.lower(), value)) for label, value in info]


def _write_pieces(file: Path, pieces: Iterable[bytes]) -> None:
    with file.open("wb") as out:
        for piece in pieces:
            out.write(piece)


def _sha256(file: Path) -> str:
    hashing = hashlib.sha256()
    with file.open("rb") as opened:
        while chunk := opened.read(CHUNK):
            hashing.update(chunk)
    return hashing.hexdigest()

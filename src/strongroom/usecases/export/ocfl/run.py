"""The export of a collection as an OCFL object: each bag a version, each content once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

from strongroom.core.errors import DestinationError, UsageError
from strongroom.core.findings import Code, Finding
from strongroom.runner.interface import Runner
from strongroom.usecases.context import Context
from strongroom.usecases.export.composition import PROOF, WITHHELD
from strongroom.usecases.export.contents import Contents, File, WrongBytesError
from strongroom.usecases.export.description import describe
from strongroom.usecases.export.judging import judge_access
from strongroom.usecases.export.ocfl.inventory import Inventory
from strongroom.usecases.export.ocfl.layout import is_root, make_root, object_path
from strongroom.usecases.export.place import Place
from strongroom.usecases.export.proof import seal_bytes, signature_bytes
from strongroom.usecases.export.request import ExportReport, ExportRequest
from strongroom.usecases.export.sink import FolderSink
from strongroom.usecases.export.taken_down import LEFT_OUT, TakenDown
from strongroom.usecases.export.versions import every_version
from strongroom.usecases.export.writing import chunks_of
from strongroom.usecases.restore.build import Builder
from strongroom.usecases.restore.limits import apply, probe
from strongroom.usecases.restore.plan import PRESENT, SKIPPED, Plan
from strongroom.usecases.sealed.bag import SealedBag, open_bag
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.places import Target


def export_ocfl(request: ExportRequest, context: Context, runner: Runner) -> ExportReport:
    """Write every bag of the collection as a version of one OCFL object. Raises as `export`."""
    if request.version is not None or request.profile is not None or request.ro_crate or request.premis:
        raise UsageError("--as ocfl exports every version as it was sealed: leave out vN, --profile, --ro-crate and --premis")
    collector = Collector(runner.finding)
    targets = every_version(request.name, context, collector, source=request.source, seals=request.seals)
    with context.scratch("export") as scratch:
        return _Ocfl(request, context, scratch, runner, collector).run(targets)


class _Ocfl:
    def __init__(self, request: ExportRequest, context: Context, scratch: Path, runner: Runner, collector: Collector) -> None:
        self._request, self._context, self._scratch = request, context, scratch
        self._runner, self._collector = runner, collector
        self._used: dict[str, None] = {}
        self._bags: list[tuple[str, str]] = []
        self._files = self._bytes = 0

    def run(self, targets: list[Target]) -> ExportReport:
        bags = [open_bag(target, self._scratch / f"tags-{number}", self._collector) for number, target in enumerate(targets, 1)]
        identifiers = {bag.seal.collection for bag in bags}
        if len(identifiers) > 1:
            raise UsageError(f"{self._request.name}: its bags belong to different collections ({', '.join(sorted(identifiers))})")
        self._bags = [(str(bag.id), bag.digest.hex) for bag in bags]
        identifier = f"urn:uuid:{_hyphens(bags[0].seal.collection)}"
        with ExitStack() as stack:
            place, root = self._place(identifier, stack)
            inventory = stack.enter_context(closing(Inventory(self._scratch / "inventory.sqlite", identifier)))
            try:
                whole = self._write(bags, root, inventory)
            except OSError as error:
                raise DestinationError(f"{place.partial}: {error.strerror}; nothing is left there; an export begins anew") from error
            if not whole:
                return self._report(None)
            place.publish()
        return self._report(str(place.dest))

    def _place(self, identifier: str, stack: ExitStack) -> tuple[Place, Path]:
        """Where to write, and the folder of the object in it."""
        dest = self._request.dest
        if self._request.ocfl_root:
            place = stack.enter_context(Place(dest, folder=True, say=self._runner.say))
            make_root(place.partial)
            root = place.partial / object_path(place.partial, identifier)
            root.mkdir(parents=True)
            return place, root
        if is_root(dest):
            dest = dest / object_path(dest, identifier)
            stack.callback(_remove_empty, dest.parent, self._request.dest)
            dest.parent.mkdir(parents=True, exist_ok=True)
        place = stack.enter_context(Place(dest, folder=True, say=self._runner.say))
        return place, place.partial

    def _write(self, bags: list[SealedBag], root: Path, inventory: Inventory) -> bool:
        """Whether nothing is lost."""
        sink = FolderSink(root)
        (root / "0=ocfl_object_1.1").write_text("ocfl_object_1.1\n")
        for number, bag in enumerate(bags, 1):
            inventory.begin()
            whole = self._version(number, bag, root, sink, inventory)
            inventory.commit()
            if not whole:
                return False
            if bag.id.version != number:
                what = f"is version v{number} of the OCFL object, whose versions have no gaps"
                self._collector.add(Finding(Code.EXPORT_NOTE, str(bag.id), what))
            inventory.add_version(number, self._about(bag))
            (root / f"v{number}").mkdir(exist_ok=True)
            inventory.write(root / f"v{number}" / "inventory.json", number)
        sink.finish()
        inventory.write(root / "inventory.json", len(bags))
        return True

    def _version(self, number: int, bag: SealedBag, root: Path, sink: FolderSink, inventory: Inventory) -> bool:
        described = describe(bag, self._context)
        judge_access(bag, described)
        taken_down = TakenDown(bag, self._context, self._scratch / f"withheld-{number}")
        with closing(taken_down), Plan(self._scratch / f"plan-{number}.sqlite", create=True) as plan:
            contents = self._plan(number, bag, root, plan, inventory, taken_down)
            stage = self._runner.stage(f"export {bag.id}", files=bag.seal.payload_files, size=bag.seal.payload_bytes)
            with stage as progress:
                for file in contents.stream():
                    if _add_file(contents, file, number, sink, inventory):
                        progress.advance(1, file.size)
                if contents.lost:
                    return False
                query = f"SELECT f.path, c.sha FROM file f JOIN content c ON c.id = f.content WHERE f.state != {LEFT_OUT}"  # noqa: S608
                for path, sha in plan.rows(query):
                    inventory.add_state(number, path, sha)
                self._tag_files(number, bag, sink, inventory)
                if taken_down.files:
                    listing = taken_down.listing
                    _add(WITHHELD, listing.stat().st_size, lambda: chunks_of(listing), number, sink, inventory)
            self._used |= contents.used
            self._files += bag.seal.payload_files
            self._bytes += bag.seal.payload_bytes
        return not self._trouble()

    def _plan(
        self, number: int, bag: SealedBag, root: Path, plan: Plan, inventory: Inventory, taken_down: TakenDown
    ) -> Contents:
        """What is to be read: each content once, and none that an earlier version has."""
        with self._runner.stage("plan"):
            Builder(bag, plan, whole=True, matchers={}).build()
            apply(probe(root), plan, self._collector, self._request.dest)
            for (path,) in plan.rows(f"SELECT path FROM file WHERE state = {SKIPPED}"):  # noqa: S608
                what = "the destination cannot hold it beside another"
                self._collector.add(Finding(Code.EXPORT_REFUSED, f"{bag.id}: {path}", what))
            taken_down.leave_out(plan)
            with plan.transaction():
                plan.db.execute(
                    f"UPDATE file SET state = {PRESENT} WHERE state = 0 AND id NOT IN (SELECT min(id) FROM file GROUP BY content)")  # noqa: S608
                for content, sha in plan.rows("SELECT id, sha FROM content"):
                    if inventory.has(sha):
                        plan.db.execute(f"UPDATE file SET state = {PRESENT} WHERE state = 0 AND content = ?", (content,))  # noqa: S608
            plan.settle()
        contents = Contents(bag, plan, self._scratch_of(number), self._runner, 0)
        contents.locate()
        return contents

    def _scratch_of(self, number: int) -> Path:
        folder = self._scratch / f"version-{number}"
        folder.mkdir()
        return folder

    def _tag_files(self, number: int, bag: SealedBag, sink: FolderSink, inventory: Inventory) -> None:
        """The tag files as sealed, and beside them the seal, which is no file of the bag but makes it one."""
        for path in bag.tag_files:
            source = bag.tag_file(path)
            if source is not None:
                _add(path, source.stat().st_size, lambda source=source: chunks_of(source), number, sink, inventory)  # type: ignore[misc]
        proofs = {f"{PROOF}seal.json": seal_bytes(bag), f"{PROOF}seal.minisig": signature_bytes(bag)}
        for path, data in proofs.items():
            if data is not None:
                _add(path, len(data), lambda data=data: iter((data,)), number, sink, inventory)  # type: ignore[misc]

    def _about(self, bag: SealedBag) -> dict[str, Any]:
        described = describe(bag, self._context)
        custodian = described.custodian or {}
        user = {"name": custodian.get("name") or bag.seal.software}
        address = custodian.get("identifier") or (f"mailto:{custodian['email']}" if custodian.get("email") else None)
        if address:
            user["address"] = address
        return {"created": bag.seal.sealed, "message": f"{bag.id}, sealed as {bag.digest.hex}", "user": user}

    def _trouble(self) -> bool:
        harmless = {Code.FORKED, Code.SEAL_DAMAGED, Code.TOMBSTONE_REFUSED, Code.TOMBSTONE_DAMAGED, Code.TOMBSTONE_MISSING}
        return bool(self._collector.errors() - harmless)

    def _report(self, result: str | None) -> ExportReport:
        return ExportReport(
            bags=tuple(self._bags), form="ocfl", dest=str(self._request.dest), result=result, unchanged=True, files=self._files,
            bytes=self._bytes, sha256=None, profile=None, stores=tuple(self._used), findings=self._collector.findings(),
        )


def _add_file(contents: Contents, file: File, number: int, sink: FolderSink, inventory: Inventory) -> bool:
    """Write a payload file; whether it could be had."""
    try:
        _add(file.path, file.size, file.chunks, number, sink, inventory)
    except WrongBytesError:
        found = contents.rescue(file)
        if found is None:
            return False
        _add(found.path, found.size, found.chunks, number, sink, inventory)
    return True


def _add(
    path: str, size: int, chunks: Callable[[], Iterable[bytes]], number: int, sink: FolderSink, inventory: Inventory,
) -> None:
    """Write a file as new content of a version, unless the object has its content; payload is added to the state afterwards."""
    sha256, sha512 = hashlib.sha256(), hashlib.sha512()
    payload = path.startswith("data/")
    if not payload:  # tag files are small: read once to see whether they are new
        for chunk in chunks():
            sha256.update(chunk)
        if inventory.has(sha256.digest()):
            inventory.add_state(number, path, sha256.digest())
            return
        sha256 = hashlib.sha256()

    def hashed() -> Iterator[bytes]:
        for chunk in chunks():
            sha256.update(chunk)
            sha512.update(chunk)
            yield chunk

    place = f"v{number}/content/{path}"
    sink.add(place, size, hashed(), mode=0o644, mtime=0)
    inventory.add_content(sha256.digest(), sha512.hexdigest(), place, number)
    if not payload:
        inventory.add_state(number, path, sha256.digest())


def _remove_empty(folder: Path, root: Path) -> None:
    """Folders that were made for nothing."""
    with suppress(OSError):
        while folder != root:
            folder.rmdir()
            folder = folder.parent


def _hyphens(uuid: str) -> str:
    return f"{uuid[:8]}-{uuid[8:12]}-{uuid[12:16]}-{uuid[16:20]}-{uuid[20:]}"

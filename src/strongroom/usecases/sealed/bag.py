"""One sealed bag: its seal, and its tag files fetched on demand, each verified before anything of it is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from strongroom.core import canonical, keys
from strongroom.core.bag.fetch import digest_from_ni_url, parse_fetch_lines
from strongroom.core.bag.manifest import manifest_name, parse_manifest_lines
from strongroom.core.bag.problems import Problem
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedBagError, InvalidValueError, StoreUnreachableError
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId
from strongroom.core.seal import Seal
from strongroom.usecases.sealed.choosing import choose_seal
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.objects import CHUNK, Expected, fetch, has_digest
from strongroom.usecases.sealed.places import Places, Target


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the payload manifest."""

    path: str  # as in manifest-sha256.txt, decoded; not judged
    digest: Digest


@dataclass(slots=True)
class SealedBag:
    """A bag as its stores hold it. `folder` is where its tag files are put; they survive there for as long as the caller keeps it."""

    id: BagId
    digest: Digest  # the bag's identity
    seal: Seal
    places: Places
    folder: Path
    collector: Collector
    tag_files: dict[str, Expected] = field(default_factory=dict)  # every tag file by its path in the bag, tag manifests included
    _here: set[str] = field(default_factory=set)

    def tag_file(self, path: str) -> Path | None:
        """The verified bytes of a tag file. None if the bag has no such file, or (a finding) if no sound copy could be read."""
        expected = self.tag_files.get(path)
        if expected is None:
            return None
        target = self.folder / path
        if path in self._here:
            return target
        if not has_digest(target, expected) and not self._fetch(path, expected, target):
            return None
        self._here.add(path)
        return target

    def add_tag_file(self, path: str, expected: Expected) -> None:
        """A line of a tag manifest. A path that is no key of a store, or lies in the payload, is none of a tag file, and a finding."""
        try:
            keys.tag_file(self.id, self.seal.attempt, path)
        except InvalidValueError as error:
            self._line(f"tag manifest, {path}", str(error))
            return
        if path.startswith("data/"):
            self._line(f"tag manifest, {path}", "lies in the payload")
            return
        self.tag_files.setdefault(path, expected)

    def _fetch(self, path: str, expected: Expected, target: Path) -> bool:
        target.parent.mkdir(parents=True, exist_ok=True)
        key = keys.tag_file(self.id, self.seal.attempt, path)
        bad: list[tuple[str, str]] = []  # where, and what is wrong there
        unread = answered = False
        for store in self.places:
            try:
                fetched = fetch(store, key, expected, target)
            except StoreUnreachableError as error:
                self.places.give_up(store, error)
                continue
            answered = True
            bad += [(f"{store.url}: {at}", f"does not have the {expected.algorithm} its tag manifest gives") for at in fetched.damaged]
            bad += [(f"{store.url}: {at}", f"could not be read ({why})") for at, why in fetched.unread]
            unread = unread or bool(fetched.unread)
            if fetched.key is not None:
                for place, what in bad:
                    self.collector.add(Finding(Code.COPY_DAMAGED, place, f"{what}; {store.url}: {fetched.key} was read instead"))
                return True
        if not answered:
            raise StoreUnreachableError(f"{self.id}: no store that holds it answered when asked for {path}; run again when one does")
        self.collector.add(Finding(*self._lost(path, bad, unread)))
        return False

    def _lost(self, path: str, bad: list[tuple[str, str]], unread: bool) -> tuple[Code, str, str]:
        place = f"{self.id}: {path}"
        if bad:
            code = Code.UNREADABLE if unread else Code.TAG_FILE_DAMAGED
            return code, place, "no sound copy: " + ", ".join(f"{where} {what}" for where, what in bad)
        if self.places.skipped:
            return Code.NOT_REACHED, place, "not in the stores that answered, and not every store did"
        return Code.TAG_FILE_MISSING, place, "in none of the stores that hold the bag"

    def move_to(self, folder: Path) -> None:
        """Put tag files into `folder` from now on."""
        self.folder = folder
        self._here.clear()

    def manifest(self) -> Iterator[Entry]:
        """The payload, in order of path bytes. If manifest-sha256.txt is lost, out of fetch.txt, which says the same.

        Raises DamagedBagError if neither can be read.
        """
        path = self.tag_file("manifest-sha256.txt")
        if path is not None:
            with path.open("rb") as lines:
                for item in parse_manifest_lines(iter(lambda: lines.read(CHUNK), b""), algorithm="sha256"):
                    if not isinstance(item, Problem):
                        yield Entry(item.path, Digest(item.digest))
                    elif item.fatal:
                        self._line(f"manifest-sha256.txt line {item.line}", item.message)
            return
        if "fetch.txt" not in self.tag_files or self.tag_file("fetch.txt") is None:
            raise DamagedBagError(f"{self.id}: neither manifest-sha256.txt nor fetch.txt can be read in any store: the payload is unknown")
        for entry, _length in self.fetch_lines():
            yield entry

    def fetch_lines(self) -> Iterator[tuple[Entry, int | None]]:
        """The lines of fetch.txt: what and how long. Empty if it is lost or the bag has none."""
        path = self.tag_file("fetch.txt")
        if path is None:
            return
        with path.open("rb") as lines:
            for item in parse_fetch_lines(iter(lambda: lines.read(CHUNK), b"")):
                try:
                    if not isinstance(item, Problem):
                        yield Entry(item.path, digest_from_ni_url(item.url)), item.length
                    elif item.fatal:
                        self._line(f"fetch.txt line {item.line}", item.message)
                except InvalidValueError as error:
                    self._line(f"fetch.txt line {item.line}", str(error))

    def described(self) -> Iterator[tuple[Entry, dict[str, Any]]]:
        """Each line of the payload manifest with its line of technical.jsonl, which is in the same order; {} where there is none."""
        details = self.lines("metadata/technical.jsonl")
        detail = next(details, None)
        for entry in self.manifest():
            while detail is not None and str(detail.get("path", "")) < entry.path:
                detail = next(details, None)
            yield entry, detail if detail is not None and detail.get("path") == entry.path else {}

    def lines(self, path: str) -> Iterator[dict[str, Any]]:
        """The objects of a .jsonl tag file, one by one; nothing if the bag has none or it is lost (then a finding said so)."""
        file = self.tag_file(path)
        if file is None:
            return
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    value = canonical.loads_line(line, what=path)
                except InvalidValueError as error:
                    self._line(f"{path} line {number}", str(error))
                    continue
                if isinstance(value, dict):
                    yield value
                else:
                    self._line(f"{path} line {number}", "is not a JSON object")

    def document(self, path: str) -> Any:
        """A JSON tag file as a value; None if the bag has none, it is lost, or (a finding) cannot be parsed."""
        file = self.tag_file(path)
        if file is None:
            return None
        try:
            return canonical.loads(file.read_bytes(), what=path)
        except InvalidValueError as error:
            self._line(path, str(error))
            return None

    def _line(self, place: str, message: str) -> None:
        """A verified tag file that makes no sense: written so by whoever sealed it."""
        self.collector.add(Finding(Code.BAG_INVALID, f"{self.id}: {place}", message))


def open_bag(target: Target, folder: Path, collector: Collector) -> SealedBag:
    """Read the seal and the tag manifests of a bag. Tag files are put into `folder`, below their paths in the bag, when asked for.

    Raises UsageError if no store that answered has such a bag, RefusedError if it is forked and nothing chooses,
    DamagedBagError if its tag manifests are lost, StoreUnreachableError if a store that might have it did not answer.
    """
    found = choose_seal(target, collector)
    bag = SealedBag(found.bag, found.digest, found.seal, target.places, folder, collector)
    bag.tag_files.update({name: Expected("sha256", digest.hex) for name, digest in found.seal.tag_manifests.items()})
    for name in sorted(found.seal.tag_manifests, key=lambda name: name != "tagmanifest-sha256.txt"):
        kind = manifest_name(name)
        path = bag.tag_file(name)
        if path is None or kind is None:
            continue  # the next one names the same files, by another algorithm
        with path.open("rb") as lines:
            for item in parse_manifest_lines(iter(lambda: lines.read(CHUNK), b""), algorithm=kind[1]):
                if not isinstance(item, Problem):
                    bag.add_tag_file(item.path, Expected(kind[1], item.digest))
        return bag
    raise DamagedBagError(f"{found.bag}: no tag manifest of this bag can be read in any store, so its tag files cannot be verified")

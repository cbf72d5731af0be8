"""The bag before: which number comes next, and what the last bag held."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from strongroom.core import canonical, keys
from strongroom.core.bag.manifest import manifest_name, parse_manifest_lines
from strongroom.core.bag.problems import Problem
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedBagError
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId
from strongroom.core.seal import Seal
from strongroom.stores.interface import Store
from strongroom.usecases.sealed.objects import Expected, fetch
from strongroom.usecases.sealed.seals import find_versions, read_seals
from strongroom.usecases.signatures.settling import Arbiter, passed_over


@dataclass(frozen=True, slots=True)
class LastSeal:
    """The last bag of a collection (none: None), in a store that holds it, and the highest number any seal has taken."""

    highest: int
    seal: Seal | None
    digest: Digest | None
    store: Store | None
    findings: tuple[Finding, ...] = ()


def find_last(stores: list[Store], name: str, arbiter: Arbiter | None = None, known: Collection[Digest] = ()) -> LastSeal:
    """The last seal of the collection over all of these stores. Damaged seals, and different ones under one label, are findings.

    Of different ones that which `arbiter` chooses; else one that is `known` here.
    """
    best = LastSeal(0, None, None, None)
    findings: list[Finding] = []
    for store in stores:
        for version in reversed(find_versions(store, name)):
            last = best.seal.bag.version if best.seal else 0
            if version < last:
                break
            seals = read_seals(store, BagId(name, version))
            seals = arbiter.settle(store, seals) if arbiter else seals
            findings += seals.findings
            taken = bool(seals.found or seals.void or seals.findings)
            best = replace(best, highest=max(best.highest, version) if taken else best.highest)
            if seals.found:
                found = next((one for one in seals.found if one.digest in known), seals.found[0])
                here = LastSeal(best.highest, found.seal, found.digest, store)
                if version > last:
                    best = here
                elif found.digest != best.digest:
                    best, said = _settle(found.bag, best, here, arbiter, known)
                    findings.append(said)
                break
    return replace(best, findings=tuple(findings))


def _settle(bag: BagId, one: LastSeal, other: LastSeal, arbiter: Arbiter | None, known: Collection[Digest]) -> tuple[LastSeal, Finding]:
    """Two stores hold different seals under a label."""
    assert one.store and other.store and one.digest and other.digest
    chosen = arbiter.choose(bag, {one.digest: [one.store], other.digest: [other.store]}) if arbiter else None
    if chosen is not None:
        return (one if chosen == one.digest else other), passed_over(str(bag), chosen, {one.digest, other.digest} - {chosen}, void=False)
    return (other if other.digest in known and one.digest not in known else one), _forked(bag, one.store, other.store)


def _forked(bag: BagId, one: Store, other: Store) -> Finding:
    return Finding(Code.FORKED, str(bag), f"{one.url} and {other.url} hold different seals under this label; both are kept")


@dataclass(frozen=True, slots=True)
class PayloadRow:
    """A payload file of a sealed bag."""

    path: str
    digests: dict[str, str]  # by algorithm
    size: int
    mode: int
    mtime: int
    type: str | None


class SealedTagFiles:
    """The tag files of one sealed bag, fetched into a scratch folder and verified against the seal on the way."""

    def __init__(self, stores: list[Store], seal: Seal, scratch: Path) -> None:
        """From the first of `stores` that has each file whole. Raises DamagedBagError if none has the tag manifest."""
        self._stores = stores
        self._seal = seal
        self._scratch = scratch
        scratch.mkdir()
        listing = self._fetch("tagmanifest-sha256.txt", seal.tag_manifests["tagmanifest-sha256.txt"].hex)
        with listing.open("rb") as lines:
            entries = parse_manifest_lines(lines, algorithm="sha256")
            self._digests = {entry.path: entry.digest for entry in entries if not isinstance(entry, Problem)}

    @property
    def bag(self) -> BagId:
        return self._seal.bag

    @property
    def algorithms(self) -> list[str]:
        """Those of the payload manifests, sha256 first."""
        names = [found[1] for path in self._digests if (found := manifest_name(path)) is not None and not found[0]]
        return sorted(names, key=lambda name: (name != "sha256", name))

    def paths(self) -> Iterator[tuple[str, str]]:
        """The payload paths in order, with their SHA-256 in hexadecimal."""
        return self._manifest("sha256")

    def payload(self) -> Iterator[PayloadRow]:
        """Every payload file with what the bag says of it, in order."""
        algorithms = self.algorithms
        with self.get("metadata/technical.jsonl").open("rb") as technical:
            for line, *entries in zip(technical, *map(self._manifest, algorithms), strict=True):
                row = canonical.loads_line(line, what=f"{self._seal.bag}: metadata/technical.jsonl")
                if any(path != row["path"] for path, _ in entries):
                    raise DamagedBagError(f"{self._seal.bag}: its manifests and technical.jsonl do not list the same paths")
                digests = dict(zip(algorithms, (digest for _, digest in entries), strict=True))
                yield PayloadRow(row["path"], digests, row["size"], int(row["mode"], 8), row["mtime"], row.get("type"))

    def lines(self, path: str) -> Iterator[dict[str, Any]]:
        """The objects of a JSON lines tag file; nothing if the bag has none of that name."""
        if path in self._digests:
            with self.get(path).open("rb") as lines:
                for line in lines:
                    yield canonical.loads_line(line, what=f"{self._seal.bag}: {path}")

    def get(self, path: str) -> Path:
        """A verified copy of a tag file. Raises DamagedBagError if it is missing or damaged everywhere."""
        if path not in self._digests:
            raise DamagedBagError(f"{self._seal.bag}: has no tag file {path}")
        return self._fetch(path, self._digests[path])

    def _manifest(self, algorithm: str) -> Iterator[tuple[str, str]]:
        with self.get(f"manifest-{algorithm}.txt").open("rb") as lines:
            for entry in parse_manifest_lines(lines, algorithm=algorithm):
                if isinstance(entry, Problem):
                    raise DamagedBagError(f"{self._seal.bag}: manifest-{algorithm}.txt, line {entry.line}: {entry.message}")
                yield entry.path, entry.digest

    def _fetch(self, path: str, digest: str) -> Path:
        target = self._scratch / path.replace("/", "~")
        if not target.exists():
            key = keys.tag_file(self._seal.bag, self._seal.attempt, path)
            if not any(fetch(store, key, Expected("sha256", digest), target).key for store in self._stores):
                raise DamagedBagError(
                    f"{', '.join(store.url for store in self._stores)}: {key}: missing, damaged or unreadable, so nothing can be "
                    "compared with the last bag; run `strongroom repair`"
                )
        return target

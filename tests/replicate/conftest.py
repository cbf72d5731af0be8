"""Collections with several stores, and a way to compare payloads that does not use the product's code."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from strongroom.stores.describe import init_store
from strongroom.usecases.archive.run import archive
from strongroom.usecases.replicate.run import replicate
from tests.fixtures.premises import Premises
from tests.fixtures.runner import runner

__all__ = ["runner"]


@dataclass
class Place(Premises):
    """Collections, stores and a home below `root`."""

    stores: dict[str, str] = field(default_factory=dict)  # URL by name
    offline: bool = False

    def add_store(self, name: str, url: str | None = None) -> None:
        self.stores[name] = url or str(self.root / f"store-{name}")
        init_store(self.stores[name])

    def folder(self, store: str) -> Path:
        return self.root / f"store-{store}"

    def detach(self, store: str) -> None:
        self.folder(store).rename(self.root / f"drawer-{store}")

    def attach(self, store: str) -> None:
        (self.root / f"drawer-{store}").rename(self.folder(store))

    def manifest(self, name: str, stores: list[str], settings: str = ""):
        return self.describe(name, [{"url": self.stores[store], "offline": self.offline} for store in stores], settings)

    def archive(self, name: str, stores: list[str], settings: str = "", **options):
        return archive(self.manifest(name, stores, settings), self.context, self.runner, **options)

    def replicate(self, name: str, stores: list[str], settings: str = "", **options):
        return replicate([self.manifest(name, stores, settings)], self.context, self.runner, **options)

    # -- reading a file store without the product's code

    def seal(self, store: str, bag: str) -> dict:
        return json.loads((self.folder(store) / f"bags/{bag}/seal.json").read_bytes())

    def bags(self, store: str) -> list[str]:
        return sorted(str(path.parent.relative_to(self.folder(store) / "bags")) for path in self.folder(store).glob("bags/*/*/seal.json"))

    def stored(self, store: str) -> dict[str, bytes]:
        """Every sound content in the store by its SHA-256, from the tars themselves."""
        root = self.folder(store)
        found = {}
        for path in root.glob("content/*/*"):
            data = path.read_bytes()
            found[hashlib.sha256(data).hexdigest()] = data
        for pack in root.glob("packs/*/*.tar*"):
            data = pack.read_bytes()
            if hashlib.sha256(data).hexdigest() == pack.name.split(".")[0]:
                with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                    for member in tar.getmembers():
                        found[member.name] = tar.extractfile(member).read()
        return found

    def payload(self, store: str, bag: str) -> dict[str, bytes]:
        """The payload of a bag as this store alone gives it."""
        stored = self.stored(store)
        folder = self.folder(store) / f"bags/{bag}" / self.seal(store, bag)["attempt"] / "bag"
        lines = (folder / "manifest-sha256.txt").read_text().splitlines()
        return {path: stored[digest] for digest, path in (line.split("  ", 1) for line in lines)}

    def tag_side(self, store: str, bag: str) -> dict[str, bytes]:
        """What must be the same bit for bit in every store: marker, tag files, signature, seal."""
        root = self.folder(store) / f"bags/{bag}"
        return {
            str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file() and path.name != "placement.jsonl"
        }

    def objects(self, store: str) -> set[str]:
        root = self.folder(store)
        return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and ".tmp" not in path.parts}

    def every_byte(self, store: str) -> bytes:
        root = self.folder(store)
        return b"\0".join(
            str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file())

    def lose(self, store: str) -> None:
        shutil.rmtree(self.folder(store))


@pytest.fixture
def place(tmp_path, runner):
    made = Place(tmp_path, runner)
    for store in ("one", "two"):
        made.add_store(store)
    return made

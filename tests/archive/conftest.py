"""A source folder, a store and a home, and a second, independent way to read what was stored."""

from __future__ import annotations

import hashlib
import json
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from strongroom.collections.load import load
from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import init_store
from strongroom.usecases.archive.report import ArchiveReport
from strongroom.usecases.archive.run import archive
from strongroom.usecases.context import Context
from tests.fixtures.runner import runner

__all__ = ["runner"]


@dataclass
class Site:
    """One collection with its source, store and home below `root`."""

    root: Path
    runner: LocalRunner
    settings: str = ""
    name: str = "site"
    store_url: str = ""
    home: str = "home"
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def source(self) -> Path:
        return self.root / "source"

    @property
    def store(self) -> Path:
        return self.root / "store"

    def write(self, name: str, data: bytes | str) -> Path:
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def manifest(self) -> Path:
        file = self.root / f"{self.name}.yaml"
        stores = self.store_url or str(self.store)
        file.write_text(f"collection: {self.name}\nsource: {self.source}\nstores: [{stores}]\n{self.settings}")
        return file

    def run(self, **options: bool) -> ArchiveReport:
        return archive(load(self.manifest()), Context(self.root / self.home), self.runner, **options)

    # -- reading the store without the product's code

    def seal(self, version: int) -> dict:
        return json.loads((self.store / f"bags/{self.name}/v{version}/seal.json").read_bytes())

    def bag(self, version: int) -> Path:
        return self.store / f"bags/{self.name}/v{version}" / self.seal(version)["attempt"] / "bag"

    def versions(self) -> list[str]:
        return sorted(path.parent.name for path in self.store.glob(f"bags/{self.name}/v*/seal.json"))

    def stored(self) -> dict[str, bytes]:
        """Every content in the store by its SHA-256, from the tars themselves."""
        found = {path.name: path.read_bytes() for path in self.store.glob("content/*/*") if "." not in path.name}
        for pack in self.store.glob("packs/*/*.tar*"):
            with tarfile.open(pack) as tar:
                for member in tar.getmembers()[:-1]:
                    found[member.name] = tar.extractfile(member).read()
        return found

    def payload(self, version: int) -> dict[str, bytes]:
        """The payload of a bag, every content checked against its name and every digest of the bag against the content."""
        stored = self.stored()
        payload = {}
        for algorithm in ("sha256", "sha512"):
            for line in (self.bag(version) / f"manifest-{algorithm}.txt").read_bytes().decode().split("\n")[:-1]:
                digest, path = line.split("  ", 1)
                path = path.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
                if algorithm == "sha256":
                    payload[path] = stored[digest]
                assert hashlib.new(algorithm, payload[path]).hexdigest() == digest
        return payload

    def lines(self, version: int, tag_file: str) -> list[dict]:
        return [json.loads(line) for line in (self.bag(version) / tag_file).read_text().splitlines()]

    def codes(self, report: ArchiveReport) -> list[str]:
        """All but what is said of formats: many tests write nonsense."""
        return sorted(finding.code.label for finding in report.findings if not finding.code.label.startswith("format-"))


@pytest.fixture
def site(tmp_path, runner):
    made = Site(tmp_path, runner)
    made.source.mkdir()
    init_store(str(made.store))
    made.write("index.html", "<!doctype html><title>Home</title><p>Welcome")
    made.write("pages/a.html", "<!doctype html><title>A</title><p>Article")
    made.write("pages/copy of a.html", "<!doctype html><title>A</title><p>Article")
    made.write("empty", b"")
    return made

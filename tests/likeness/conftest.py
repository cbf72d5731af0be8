"""Collections in one store, archived and searched for near-copies as a person does it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from strongroom.collections.load import load
from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import init_store
from strongroom.usecases.archive.run import archive
from strongroom.usecases.context import Context
from strongroom.usecases.likeness.report import SimilarReport
from strongroom.usecases.likeness.run import SimilarRequest, similar


@pytest.fixture(scope="session")
def runner() -> Iterator[LocalRunner]:
    with LocalRunner(2, quiet=True) as local:
        yield local


@dataclass
class Vault:
    root: Path
    runner: LocalRunner

    @property
    def context(self) -> Context:
        return Context(self.root / "home")

    def write(self, name: str, path: str, data: bytes | str) -> None:
        file = self.root / name / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data if isinstance(data, bytes) else data.encode())

    def archive(self, name: str, settings: str = "") -> str:
        manifest = self.root / f"{name}.yaml"
        manifest.write_text(f"collection: {name}\nsource: {self.root / name}\nstores: [{self.root / 'store'}]\nmax_loss: 1.0\n{settings}")
        return archive(load(manifest), self.context, self.runner).outcome

    def near(self, name: str, version: int) -> list[dict] | None:
        """metadata/near-duplicates.jsonl of a bag; None if it has none."""
        folder = self.root / f"store/bags/{name}/v{version}"
        file = folder / json.loads((folder / "seal.json").read_bytes())["attempt"] / "bag/metadata/near-duplicates.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else None

    def similar(self, *names: str, **options: object) -> SimilarReport:
        return similar(SimilarRequest(names, **options), self.context, self.runner)

    def clusters(self, *names: str, **options: object) -> set[frozenset[str]]:
        """Paths below the sources, with the collection."""
        return {paths(shown) for shown in self.similar(*names, **options).clusters}


def paths(shown) -> frozenset[str]:
    return frozenset(f"{one.collection}/{one.path.removeprefix('data/')}" for found in shown.members.values() for one in found)


def words(report: SimilarReport) -> dict[frozenset[str], tuple[str, float, float]]:
    """By the paths of a pair: what differs, jaccard, containment."""
    found = {}
    for shown in report.clusters:
        where = {content: one[0].path.removeprefix("data/") for content, one in shown.members.items()}
        for pair in shown.cluster.pairs:
            found[frozenset((where[pair.a], where[pair.b]))] = pair.differs, pair.jaccard, pair.containment
    return found


@pytest.fixture
def vault(tmp_path: Path, runner: LocalRunner) -> Vault:
    init_store(str(tmp_path / "store"))
    return Vault(tmp_path, runner)

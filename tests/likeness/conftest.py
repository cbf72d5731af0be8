"""Collections in one store, archived and searched for near-copies as a person does it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import init_store
from strongroom.usecases.archive.run import archive
from strongroom.usecases.likeness.report import SimilarReport
from strongroom.usecases.likeness.run import SimilarRequest, similar
from tests.fixtures.premises import Premises
from tests.fixtures.runner import runner

__all__ = ["runner"]


@dataclass
class Vault(Premises):
    def archive(self, name: str, settings: str = "") -> str:
        manifest = self.describe(name, [self.root / "store"], f"max_loss: 1.0\n{settings}")
        return archive(manifest, self.context, self.runner).outcome

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

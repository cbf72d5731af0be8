"""A store, a home, and the use case to import into them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import init_store
from strongroom.unpacking.limits import Limits
from strongroom.usecases.context import Context
from strongroom.usecases.imports.report import ImportReport
from strongroom.usecases.imports.request import ImportRequest
from strongroom.usecases.imports.run import import_bags
from tests.archive.conftest import Site, runner

__all__ = ["runner"]


@dataclass
class Intake:
    root: Path
    runner: LocalRunner
    home: str = "home"

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def context(self) -> Context:
        return Context(self.root / self.home)

    def take(self, *bags: Path, limits: dict[str, int] | None = None, **options: Any) -> ImportReport:
        made = replace(Limits(), **(limits or {}))
        return import_bags(ImportRequest(bags, (self.store.as_uri(),), limits=made, **options), self.context, self.runner)

    def site(self, name: str) -> Site:
        """A second, independent way to read what was stored."""
        return Site(self.root, self.runner, name=name)

    def bags(self) -> list[str]:
        return sorted(str(path.parent.relative_to(self.store / "bags")) for path in self.store.glob("bags/*/v*/seal.json"))


@pytest.fixture
def intake(tmp_path: Path, runner: LocalRunner) -> Intake:
    made = Intake(tmp_path, runner)
    init_store(str(made.store))
    return made

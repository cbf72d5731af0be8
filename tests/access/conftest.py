"""The collection of tests/archive, for tests of who may see it."""

from __future__ import annotations

import pytest

from tests.archive.conftest import runner, site

__all__ = ["runner", "site"]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STRONGROOM_MANIFESTS", str(tmp_path / "manifests"))
    return tmp_path / "home"

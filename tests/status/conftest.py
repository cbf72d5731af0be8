"""The collection of tests/archive, for tests of what is said about it."""

from __future__ import annotations

import pytest

from tests.archive.conftest import runner, site
from tests.fixtures.surroundings import settle

__all__ = ["runner", "site"]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    return settle(monkeypatch, tmp_path)

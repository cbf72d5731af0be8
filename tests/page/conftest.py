"""One installation for the tests of a module; those that change it make their own."""

from __future__ import annotations

import pytest

from strongroom.runner.local import LocalRunner
from tests.fixtures.surroundings import settle
from tests.page.house import build


@pytest.fixture(scope="session")
def runner():
    with LocalRunner(1, quiet=True) as local:
        yield local


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    root = tmp_path_factory.mktemp("house")
    with pytest.MonkeyPatch.context() as patch:
        settle(patch, root)
        yield root


@pytest.fixture(scope="module")
def house(environment, runner):
    return build(environment, runner)


@pytest.fixture
def own_house(tmp_path, runner, monkeypatch):
    settle(monkeypatch, tmp_path)
    return build(tmp_path, runner)

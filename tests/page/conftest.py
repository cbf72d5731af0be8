"""One installation for the tests of a module; those that change it make their own."""

from __future__ import annotations

import pytest

from strongroom.runner.local import LocalRunner
from tests.page.house import build


@pytest.fixture(scope="session")
def runner():
    with LocalRunner(1, quiet=True) as local:
        yield local


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    root = tmp_path_factory.mktemp("house")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRONGROOM_HOME", str(root / "home"))
        patch.setenv("STRONGROOM_MANIFESTS", str(root / "manifests"))
        for name in ("PREFECT_API_URL", "STRONGROOM_NOTIFY", "STRONGROOM_NOTIFY_URLS", "STRONGROOM_NOTIFY_URLS_FILE"):
            patch.delenv(name, raising=False)
        yield root


@pytest.fixture(scope="module")
def house(environment, runner):
    return build(environment, runner)


@pytest.fixture
def own_house(tmp_path, runner, monkeypatch):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STRONGROOM_MANIFESTS", str(tmp_path / "manifests"))
    return build(tmp_path, runner)

"""Runs in Prefect are remembered once, like those without, also when they fail."""

from __future__ import annotations

import pytest

from flows import engine
from strongroom.catalogue import Catalogue
from strongroom.catalogue.runs import runs_since
from strongroom.cli.main import main
from strongroom.stores.describe import init_store
from strongroom.usecases.context import Context

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server"), pytest.mark.xdist_group("prefect")]


def test_each_run_once_with_its_outcome(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(engine, "reach_api", lambda: None)  # the server of the tests is there
    monkeypatch.setattr(engine, "start_temporary", lambda: None)
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.txt").write_text("a")
    manifest = tmp_path / "site.yaml"
    manifest.write_text("collection: site\nsource: source\nstores: [store]\n")
    argv = ["archive", "--prefect", "--workers", "1", "--quiet", str(manifest)]
    assert main(argv) == 3  # no store there yet
    init_store(str(tmp_path / "store"))
    assert main(argv) == 0
    with Catalogue.open(Context(tmp_path / "home").catalogue) as catalogue:
        found = [(run.job, run.collection, run.outcome, run.exit_status) for run in runs_since(catalogue, "")]
    assert found == [("archive", "site", "failed", 3), ("archive", "site", "good", 0)]

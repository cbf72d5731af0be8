"""The commands, run as flows on a real Prefect server: archive and restore, end to end."""

from pathlib import Path

import pytest

from tests.fixtures.flow_command import FlowCommand


@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.xdist_group("prefect")
def test_archive_and_restore_as_flows(tmp_path: Path, flow_command: FlowCommand) -> None:
    (tmp_path / "source/below").mkdir(parents=True)
    (tmp_path / "source/a.txt").write_text("a")
    (tmp_path / "source/below/b 50%.txt").write_text("b")
    manifest = tmp_path / "m.yaml"
    manifest.write_text("collection: asflows\nsource: source\nstores: [store]\n")
    flow_command("store", "init", tmp_path / "store")
    flow_command("archive", manifest, "--quiet")
    hidden = tmp_path / "hidden.yaml"
    hidden.write_text("collection: canary\nsource: source\nstores: [store]\naccess: {level: restricted}\n")
    flow_command("archive", hidden, "--quiet")
    flow_command("restore", "asflows", tmp_path / "bag", "--quiet")
    flow_command("restore", "asflows/v1", tmp_path / "files", "--payload-only", "--quiet")
    assert (tmp_path / "files/below/b 50%.txt").read_text() == (tmp_path / "bag/data/below/b 50%.txt").read_text() == "b"
    flow_runs = flow_command.ask("flow_runs", flow_runs={"name": {"like_": "asflows"}})
    artifacts = flow_command.ask("artifacts", artifacts={"key": {"like_": "archive-asflows"}})
    every = flow_command.ask("artifacts")
    assert "canary" not in "".join(f"{one['key']} {one['data']}" for one in every if one["key"]), "told to whoever reads artifacts"
    assert sorted(run["name"] for run in flow_runs) == ["archive asflows", "restore asflows", "restore asflows"]
    assert {run["state_type"] for run in flow_runs} == {"COMPLETED"}
    assert "asflows/v1 sealed" in artifacts[0]["data"]

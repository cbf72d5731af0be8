"""The commands, run as flows on a real Prefect server: archive and restore, end to end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
@pytest.mark.xdist_group("prefect")
def test_archive_and_restore_as_flows(tmp_path: Path) -> None:
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL

    (tmp_path / "source/below").mkdir(parents=True)
    (tmp_path / "source/a.txt").write_text("a")
    (tmp_path / "source/below/b 50%.txt").write_text("b")
    manifest = tmp_path / "m.yaml"
    manifest.write_text("collection: asflows\nsource: source\nstores: [store]\n")
    environment = {
        **os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "STRONGROOM_HOME": str(tmp_path / "state"),
        "PREFECT_API_URL": PREFECT_API_URL.value(), "PREFECT_HOME": str(tmp_path / "prefect"),
    }

    def strongroom(*arguments: object) -> None:
        command = [sys.executable, "-m", "strongroom", *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr

    strongroom("store", "init", tmp_path / "store")
    strongroom("archive", manifest, "--quiet")
    hidden = tmp_path / "hidden.yaml"
    hidden.write_text("collection: canary\nsource: source\nstores: [store]\naccess: {level: restricted}\n")
    strongroom("archive", hidden, "--quiet")
    strongroom("restore", "asflows", tmp_path / "bag", "--quiet")
    strongroom("restore", "asflows/v1", tmp_path / "files", "--payload-only", "--quiet")
    assert (tmp_path / "files/below/b 50%.txt").read_text() == (tmp_path / "bag/data/below/b 50%.txt").read_text() == "b"
    with get_client(sync_client=True) as client:
        flow_runs = client._client.post("/flow_runs/filter", json={"flow_runs": {"name": {"like_": "asflows"}}}).json()
        artifacts = client._client.post("/artifacts/filter", json={"artifacts": {"key": {"like_": "archive-asflows"}}}).json()
        every = client._client.post("/artifacts/filter", json={}).json()
    assert "canary" not in "".join(f"{one['key']} {one['data']}" for one in every if one["key"]), "told to whoever reads artifacts"
    assert sorted(run["name"] for run in flow_runs) == ["archive asflows", "restore asflows", "restore asflows"]
    assert {run["state_type"] for run in flow_runs} == {"COMPLETED"}
    assert "asflows/v1 sealed" in artifacts[0]["data"]

"""Import, run as a flow on a real Prefect server, end to end: the same bags and the same document as without."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.imports.hostile import good
from tests.imports.test_imports import packed

ROOT = Path(__file__).parents[2]


@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
@pytest.mark.xdist_group("prefect")
def test_import_as_a_flow(tmp_path: Path) -> None:
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL

    environment = {
        **os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "STRONGROOM_HOME": str(tmp_path / "state"),
        "PREFECT_API_URL": PREFECT_API_URL.value(), "PREFECT_HOME": str(tmp_path / "prefect"),
    }

    def strongroom(*arguments: object, status: int = 0) -> Any:
        command = [sys.executable, "-m", "strongroom", *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == status, done.stderr
        return json.loads(done.stdout) if "--json" in arguments else None

    strongroom("store", "init", tmp_path / "one")
    wrong = good(tmp_path / "wrong", extra_lines=[f"{'0' * 64}  data/no"])
    bags = [good(tmp_path / "folder"), packed(good(tmp_path / "file"), "tar.gz"), wrong]
    document = strongroom("import", *bags, "--store", tmp_path / "one", "--json", "--quiet", status=1)
    assert [bag["outcome"] for bag in document["bags"]] == ["sealed", "sealed", "refused"]
    assert document["bags"][1]["form"] == "tar.gz"
    again = strongroom("import", *bags[:2], "--store", tmp_path / "one", "--json", "--quiet")
    assert [bag["outcome"] for bag in again["bags"]] == ["unchanged", "unchanged"]
    strongroom("audit", "--quiet", "--no-prefect")
    with get_client(sync_client=True) as client:
        flows = {flow["id"]: flow["name"] for flow in client._client.post("/flows/filter", json={}).json()}
        runs = client._client.post("/flow_runs/filter", json={"sort": "EXPECTED_START_TIME_ASC"}).json()
    assert [run["state_type"] for run in runs if flows[run["flow_id"]] == "imports"] == ["FAILED", "COMPLETED"]

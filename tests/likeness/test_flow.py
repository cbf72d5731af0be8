"""The search as a flow, on a real Prefect server, which is told no name of what was found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.likeness.words import sentences

ROOT = Path(__file__).parents[2]


@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
@pytest.mark.xdist_group("prefect")
def test_similar_as_a_flow(tmp_path: Path) -> None:
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL

    began = datetime.now(UTC).isoformat()
    (tmp_path / "source").mkdir()
    for number in range(3):
        (tmp_path / f"source/secret {number}.txt").write_text("\n".join(sentences("one", 20 + number)))
    manifest = tmp_path / "m.yaml"
    manifest.write_text("collection: compared\nsource: source\nstores: [store]\naccess: {level: closed}\n")
    environment = {
        **os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "STRONGROOM_HOME": str(tmp_path / "state"),
        "PREFECT_API_URL": PREFECT_API_URL.value(), "PREFECT_HOME": str(tmp_path / "prefect"),
    }

    def strongroom(*arguments: object) -> str:
        command = [sys.executable, "-m", "strongroom", *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    strongroom("store", "init", tmp_path / "store")
    strongroom("archive", manifest, "--quiet", "--no-prefect")
    document = json.loads(strongroom("similar", "compared", "--json", "--quiet"))
    assert [len(cluster["contents"]) for cluster in document["clusters"]] == [3]
    with get_client(sync_client=True) as client:
        def ask(path: str, **query: Any) -> Any:
            return client._client.post(f"/{path}/filter", json=query).json()

        flows = {flow["id"]: flow["name"] for flow in ask("flows")}
        runs = [(flows[run["flow_id"]], run["state_type"]) for run in ask("flow_runs") if run["expected_start_time"] >= began]
        artifacts = [artifact for artifact in ask("artifacts") if artifact["created"] >= began]
    assert runs == [("similar", "COMPLETED")]
    assert [artifact["key"] for artifact in artifacts] == ["run-similar"]
    assert "secret" not in json.dumps([runs, artifacts])

"""Replicate, audit, repair and due, run as flows on a real Prefect server, end to end."""

import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from strongroom.catalogue import Catalogue
from strongroom.catalogue.runs import runs_since

ROOT = Path(__file__).parents[2]


@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
@pytest.mark.xdist_group("prefect")
def test_upkeep_as_flows(tmp_path: Path) -> None:
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL

    began = datetime.now(UTC).isoformat()
    (tmp_path / "source").mkdir()
    for number in range(30):
        (tmp_path / f"source/{number}.txt").write_text(f"page {number} " * 50)
    manifest = tmp_path / "m.yaml"
    manifest.write_text("collection: upkept\nsource: source\nstores: [one, two]\naudit: {max_age_days: 30}\n")
    environment = {
        **os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "STRONGROOM_HOME": str(tmp_path / "state"),
        "PREFECT_API_URL": PREFECT_API_URL.value(), "PREFECT_HOME": str(tmp_path / "prefect"),
    }

    def strongroom(*arguments: object, status: int = 0) -> Any:
        command = [sys.executable, "-m", "strongroom", *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == status, done.stderr
        return json.loads(done.stdout) if "--json" in arguments else None

    for store in ("one", "two"):
        strongroom("store", "init", tmp_path / store)
    strongroom("archive", manifest, "--quiet", "--no-replicate")
    (brought,) = (one["brought"] for one in strongroom("replicate", "--json", "--quiet")["replicas"] if one["store"].endswith("/two"))
    assert brought == ["upkept/v1"]
    first = strongroom("audit", "--json", "--quiet")
    assert [(store["max_age_days"], store["never_read"], store["left"]) for store in first["stores"]] == [(30, 0, 0)] * 2

    (pack,) = (tmp_path / "one").glob("packs/*/*.tar")
    _hurt(pack)
    assert strongroom("audit", "--json", "--quiet", "--full", status=1)["stores"][0]["unsound"][0]["key"].endswith(pack.name)
    repaired = strongroom("repair", "--json", "--quiet")
    assert [store["repaired"] for store in repaired["stores"]] == [[f"packs/{pack.parent.name}/{pack.name}~1"], []]
    assert hashlib.sha256((pack.parent / f"{pack.name}~1").read_bytes()).hexdigest() == pack.stem

    (tmp_path / "source/new.txt").write_text("what came later")
    strongroom("archive", manifest, "--quiet", "--no-replicate")
    (tag,) = (tmp_path / "two").glob("bags/upkept/v1/*/bag/bagit.txt")
    tag.unlink()
    done = strongroom("due", "--json", "--quiet")
    assert [one["brought"] for one in done["replicate"]["replicas"]] == [[], ["upkept/v2"]]
    assert [store["repaired"] for store in done["repair"]["stores"]] == [[], [str(tag.relative_to(tmp_path / "two"))]]
    last = strongroom("audit", "--json", "--quiet", "--full")
    codes = [finding["code"] for finding in last["findings"] if finding["code"] != "no-seal-signature"]
    assert codes == ["copy-damaged"]  # the pack that was healed beside

    with get_client(sync_client=True) as client:
        def ask(path: str, **query: Any) -> Any:
            return client._client.post(f"/{path}/filter", json=query).json()

        flows = {flow["id"]: flow["name"] for flow in ask("flows")}
        runs = [run for run in ask("flow_runs", sort="EXPECTED_START_TIME_ASC") if run["expected_start_time"] >= began]
        ended = [(flows[run["flow_id"]], run["state_type"]) for run in runs]
        kept = {artifact["key"] for artifact in ask("artifacts") if artifact["created"] >= began}
    assert ended == [
        ("archive", "COMPLETED"), ("replicate", "COMPLETED"), ("audit", "COMPLETED"), ("audit", "FAILED"), ("repair", "COMPLETED"),
        ("archive", "COMPLETED"), ("due", "COMPLETED"), ("audit", "COMPLETED"),
    ]
    assert {"replicate", "audit", "repair", "run-due"} <= kept
    with Catalogue.open(tmp_path / "state/catalogue.sqlite") as catalogue:  # each remembered once
        assert [row.job for row in runs_since(catalogue, "")] == [job for job, _ in ended]


def _hurt(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)

"""A collection is archived because its schedule said so, by a Prefect server that really schedules."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from strongroom.catalogue import Catalogue
from strongroom.catalogue.runs import last_runs
from strongroom.stores.describe import init_store
from strongroom.usecases.context import Context

ROOT = Path(__file__).parents[2]


def ask(api, path, body):
    request = urllib.request.Request(f"{api}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.xdist_group("prefect")
def test_a_schedule_archives(tmp_path):
    (tmp_path / "manifests").mkdir()
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.txt").write_text("a")
    init_store(str(tmp_path / "store"))
    manifest = tmp_path / "manifests" / "site.yaml"
    manifest.write_text("collection: site\nsource: ../source\nstores: [../store]\nschedule: {archive: '* * * * *', audit: 0 4 1 1 *}\n")
    home = tmp_path / "home"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")} | {
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "HOME": str(tmp_path), "STRONGROOM_HOME": str(home),
        "STRONGROOM_MANIFESTS": str(manifest.parent), "PREFECT_RUNNER_POLL_FREQUENCY": "1",
    }
    said = tmp_path / "said"
    with said.open("wb") as output, subprocess.Popen(
        [sys.executable, "-m", "strongroom", "serve"], cwd=tmp_path, env=environment, stdout=output, stderr=output,
    ) as process:
        try:
            row = wait_for_run(home, process)
            api = next(line for line in (home / "prefect" / "server.log").read_text().split() if line.startswith("PREFECT_API_URL="))
            api = api.partition("=")[2]
            deployments = ask(api, "/deployments/filter", {})
            artifacts = []
            end = time.monotonic() + 300
            while not artifacts and time.monotonic() < end:
                artifacts = [one["data"] for one in ask(api, "/artifacts/filter", {}) if one["key"] == "run-archive"]
                time.sleep(0.5)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(300)
    words = said.read_text()
    assert row is not None and (row.outcome, row.exit_status) == ("good", 0), words
    assert (tmp_path / "store" / "bags" / "site" / "v1" / "seal.json").is_file()
    assert {one["name"]: one["entrypoint"] for one in deployments if one["name"] == "all"} == {"all": "flows.due.due"}
    assert sorted(one["entrypoint"] for one in deployments if one["name"] == "site") == ["flows.archive.archive", "flows.audit.audit"]
    assert [one for one in artifacts if "archive site: all well" in one and "site/v1 sealed." in one], artifacts
    assert "archive site: * * * * * (UTC)" in words
    port = int(api.rpartition(":")[2].partition("/")[0])
    end = time.monotonic() + 300
    with pytest.raises(OSError):  # the server goes with it
        while time.monotonic() < end:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=5).close()
            time.sleep(0.2)


def wait_for_run(home, process):
    end = time.monotonic() + 600  # a schedule's minute after the server has started
    while time.monotonic() < end and process.poll() is None:
        time.sleep(1)
        if Context(home).has_catalogue():
            with Catalogue.open(Context(home).catalogue) as catalogue:
                row = last_runs(catalogue, "archive").get("site")
            if row is not None and row.ended:
                return row
    return None

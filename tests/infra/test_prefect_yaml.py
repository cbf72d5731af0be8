"""infra/prefect.yaml as Prefect reads it, and deployed to a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows import engine
from strongroom.collections.cron import check_cron

ROOT = Path(__file__).parents[2]
FILE = ROOT / "infra" / "prefect.yaml"
JOBS = {"archive", "audit", "due", "replicate", "repair", "restore"}


@pytest.fixture(scope="module")
def deployments():
    engine.prepare()
    from prefect.cli.deploy._config import _load_deploy_configs_and_actions
    from rich.console import Console

    found, actions = _load_deploy_configs_and_actions(FILE, console=Console(stderr=True))
    assert not any(actions.values())
    return {one["name"]: one for one in found}


def test_every_job_is_there_once(deployments):
    assert set(deployments) == JOBS
    assert all(one["work_pool"]["name"] == "strongroom" for one in deployments.values())


@pytest.mark.parametrize("job", sorted(JOBS))
def test_entrypoints_load_and_take_their_parameters(deployments, job):
    from prefect.flows import load_flow_from_entrypoint

    one = deployments[job]
    flow = load_flow_from_entrypoint(one["entrypoint"], use_placeholder_flow=False)
    assert flow.name == job
    schedules = one.get("schedules") or []
    for parameters in (one["parameters"], *(schedule.get("parameters", {}) for schedule in schedules)):
        flow.validate_parameters({**one["parameters"], **parameters})
        assert not [name for name in parameters if "url" in name.lower() or "key" in name.lower()]
    for schedule in schedules:
        assert check_cron(schedule["cron"]) and schedule["slug"]


@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
@pytest.mark.xdist_group("prefect")
def test_it_deploys():
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.settings import PREFECT_API_URL

    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name="strongroom", type="process"))
        run = subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(FILE)], cwd=ROOT, capture_output=True,
            text=True, timeout=300, check=False,
            env={**os.environ, "PREFECT_API_URL": PREFECT_API_URL.value(), "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        )
        assert run.returncode == 0, run.stdout + run.stderr
        made = {one.name: one for one in client.read_deployments() if one.work_pool_name == "strongroom"}
    assert set(made) == JOBS
    assert {one.entrypoint for one in made.values()} == {f"flows.{job}.{job}" for job in JOBS}
    assert [(str(one.schedule.cron), one.active) for one in made["archive"].schedules] == [("0 3 * * *", False)]
    assert made["audit"].global_concurrency_limit.limit == 1
    assert not (ROOT / "prefect.yaml").exists()

"""What compose.yaml runs, run: Prefect's server on PostgreSQL, a catalogue in another, SeaweedFS with the bucket's policy, two workers."""

from __future__ import annotations

import filecmp
import json
import tempfile
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.database.trial import Plan
from tests.database.workers import Workers
from tests.infra.composed import PATIENCE, ROOT, Composed

pytestmark = [pytest.mark.slow, pytest.mark.s3, pytest.mark.prefect]
SOURCE = ROOT / "corpus" / "sample" / "lanternmoor.example" / "neighbours"  # a few files with names in many scripts


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    root = tmp_path_factory.mktemp("composed")
    (root / "sources").symlink_to(SOURCE)
    composed = Composed(root)
    second = (root / "manifests" / "lanternmoor.yaml").read_text().replace("collection: lanternmoor", "collection: second")
    (root / "manifests" / "second.yaml").write_text(second)
    try:
        composed.start()
        yield composed
    finally:
        composed.stop()


def finished(stack: Composed, run: str) -> None:
    end = time.monotonic() + PATIENCE
    while (state := stack.ask(f"flow_runs/{run}")["state"])["type"] not in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
        assert time.monotonic() < end, state
        time.sleep(0.5)
    logs = [log["message"] for log in stack.ask("logs/filter", {"logs": {"flow_run_id": {"any_": [run]}}})]
    assert state["type"] == "COMPLETED", (state, logs, stack.log("worker-1")[-2000:], stack.log("worker-2")[-2000:])


def test_a_collection_goes_in_and_comes_out(stack: Composed) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401"):
        stack.ask("deployments/name/archive/archive", known=False)
    for run in [stack.submit("archive", collection=name) for name in ("lanternmoor", "second")]:
        finished(stack, run)
    finished(stack, stack.submit("audit"))
    there = stack.root / "restored" / "lanternmoor"
    finished(stack, stack.submit("restore", name="lanternmoor", dest=str(there)))
    names = sorted(path.relative_to(SOURCE) for path in SOURCE.rglob("*") if path.is_file())
    assert len(names) > 5 and filecmp.cmpfiles(SOURCE, there / "data", map(str, names), shallow=False) == ([*map(str, names)], [], [])
    # Both workers know both bags: the catalogue is shared, though each has a STRONGROOM_HOME of its own.
    for worker in ("worker-1", "worker-2"):
        listed = json.loads(stack.run(worker, ["strongroom", "list", "--json"]).stdout)
        assert sorted(one["bag"] for one in listed["bags"]) == ["lanternmoor/v1", "second/v1"]
        assert not (stack.root / worker / "home" / "catalogue.sqlite").exists()
    assert {one["name"] for one in stack.ask("work_pools/strongroom/workers/filter", {})} == {"worker-1", "worker-2"}
    assert "submitting flow run" in stack.log("worker-1") + stack.log("worker-2")


def test_workers_that_are_killed_seal_each_bag_once_and_lose_nothing(stack: Composed) -> None:
    plan = Plan(collections=3, files=60, shared=15, kills=2, seed=1)
    outcome = Workers(plan, stack, automatic=False).run()
    assert not outcome.wrong
    assert outcome.kills == plan.kills
    assert dict(outcome.sealed) == {"c0": 1, "c1": 1, "c2": 1}
    assert outcome.wanted == outcome.distinct == 3 * 45 + 15
    assert outcome.again <= plan.shared + plan.kills * plan.files


def test_the_archiver_removes_nothing(stack: Composed) -> None:
    client = stack.s3("archiver")
    found = client.list_objects_v2(Bucket="archive", Prefix="main/")["Contents"]
    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_object(Bucket="archive", Key=found[0]["Key"])
    assert client.list_objects_v2(Bucket="archive", Prefix="main/")["KeyCount"] == len(found)


def test_secrets_stay_where_they_are(stack: Composed) -> None:
    words = [(stack.root / "secrets" / name).read_text().strip() for name in ("prefect-database", "catalogue", "prefect-auth")]
    words += [stack.keys(who)["aws_secret_access_key"] for who in ("administrator", "archiver", "sweeper")]
    for service in stack.services:
        said = (stack.root / f"{service}.log").read_text(errors="replace") + json.dumps(stack.environment(service))
        assert not [word for word in words if word in said], service


def test_a_path_of_this_machine_is_left_as_it_is() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        composed = Composed(Path(folder))
        assert composed.here("worker-1", f"{folder}/a /tmp/a /sources") == f"{folder}/a {folder}/worker-1/tmp/a {folder}/sources"

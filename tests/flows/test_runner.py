"""PrefectRunner against a real Prefect server."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from flows.runner import TASKS_PER_MAP, Handover, split
from strongroom.core.errors import RefusedError
from strongroom.runner.local import LocalRunner

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server"), pytest.mark.xdist_group("prefect")]


def task_runs(flow_run: UUID, least: int = 1) -> dict[str, str]:
    """Name and state of each task run, once the server, which is told by events in its own time, has `least`, all in a final state."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    found: dict[str, str] = {}
    end = time.monotonic() + 300
    with get_client(sync_client=True) as client:
        while time.monotonic() < end:
            runs = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[flow_run])))
            found = {run.name: run.state_name or "" for run in runs}
            assert len(found) == len(runs), "two task runs have one name"
            assert all(not parameters for run in runs for parameters in [run.task_inputs]), "task runs show parameters"
            if len(found) >= least and not {"Running", "Pending", "Scheduled"} & set(found.values()):
                time.sleep(0.5)  # for more of them
                if len(client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[flow_run])))) == len(runs):
                    return found
            time.sleep(0.3)
    raise AssertionError(f"still not done: {found}")


def run_of(state: Any) -> UUID:
    found: UUID = state.state_details.flow_run_id
    return found


def read(path: str, body: dict[str, Any] | None = None) -> Any:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return client._client.post(path, json=body or {}).json()


def test_the_same_result_as_the_local_runner_in_tens_of_task_runs() -> None:
    from tests.flows import sample

    with LocalRunner(2, quiet=True) as runner:
        expected = sample.add_up(runner, 1000)
    state: Any = sample.sample(1000, return_state=True)
    assert state.result().total == expected
    assert state.is_completed()
    assert state.message == f"the sum is {expected}"
    runs = task_runs(run_of(state), 1 + TASKS_PER_MAP)
    assert runs == {"scan": "Completed"} | {f"double {{it}} {number}/12": "Completed" for number in range(1, TASKS_PER_MAP + 1)}


def test_artifact_and_messages_are_with_the_run() -> None:
    from tests.flows import sample

    state = sample.sample(10, return_state=True)
    run = str(run_of(state))
    artifacts = read("/artifacts/filter", {"flow_runs": {"id": {"any_": [run]}}})
    assert [(found["key"], found["data"]) for found in artifacts] == [("sum", "# The sum\n\n90")]
    end = time.monotonic() + 300
    wanted = {"added up", "note: data/a: a name to note [format-empty]"}
    messages: set[str] = set()
    while not wanted <= messages and time.monotonic() < end:
        messages = {line["message"] for line in read("/logs/filter", {"logs": {"flow_run_id": {"any_": [run]}}})}
        time.sleep(0.3)
    assert wanted <= messages


@pytest.mark.sqlite_only("what is harmed is a file")
def test_no_summary_is_kept_where_it_is_not_known_who_may_see_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.flows import sample

    (tmp_path / "catalogue.sqlite").write_bytes(b"no database at all" * 100)
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path))
    state = sample.sample(4, return_state=True)
    assert state.is_completed()
    assert read("/artifacts/filter", {"flow_runs": {"id": {"any_": [str(run_of(state))]}}}) == []


def test_error_findings_fail_the_run_but_give_the_report() -> None:
    from tests.flows import sample

    state = sample.sample(3, exit_status=1, return_state=True)
    assert state.is_failed()
    assert state.message == "the sum is 6"
    assert state.result(raise_on_failure=False) == sample.Report(6, 1)


def test_a_failed_batch_fails_its_task_run_and_the_flow(tmp_path: Path) -> None:
    from tests.flows import sample

    state = sample.failing(str(tmp_path), return_state=True)
    assert state.is_failed()
    assert isinstance(state.result(raise_on_failure=False), RefusedError)
    states = Counter(task_runs(run_of(state)).values())
    assert states["Failed"] >= 1
    assert states["Completed"] == 0
    assert len(os.listdir(tmp_path)) <= 9  # not all 30 were begun


def test_a_failed_stage_fails_its_task_run() -> None:
    from tests.flows import sample

    state = sample.failing_stage(return_state=True)
    assert state.is_failed()
    assert task_runs(run_of(state)) == {"look": "Failed"}


def test_a_slow_reader_holds_the_work_back(tmp_path: Path) -> None:
    from tests.flows import sample

    state: Any = sample.slow_reader(str(tmp_path), return_state=True)
    total = state.result().total
    assert total // 1000 == 59
    assert total % 1000 < 40


def test_no_result_is_kept_while_the_next_is_waited_for(tmp_path: Path) -> None:
    from tests.flows import sample

    count = 2 * TASKS_PER_MAP  # so that the batches whose results are dropped and waited for are of one task run
    state: Any = sample.forgetful(str(tmp_path / "dropped"), count, return_state=True)
    assert state.result().total == count


def test_results_are_not_kept(tmp_path: Path) -> None:
    from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings

    from tests.flows import sample

    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: tmp_path / "storage"}):
        assert sample.sample(100, return_state=True).is_completed()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("length", [0, 1, 11, 12, 13, 100, 12_345])
def test_split(length: int) -> None:
    groups = split(range(length), 12)
    assert [number for group in groups for number in group] == list(range(length))
    assert len(groups) == min(length, 12)
    assert not groups or max(map(len, groups)) - min(map(len, groups)) <= 1


def test_handover_releases_who_puts() -> None:
    handover: Handover[int] = Handover(1)
    assert handover.put(1)
    handover.end(7)  # never waits
    assert handover.get() == (None, 1)
    assert handover.get() == (7, None)
    handover.close()
    assert not handover.put(2)

"""What only a cluster can do: lose workers, its scheduler, its sight of a folder."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from strongroom.core.errors import StrongroomError, UsageError
from strongroom.runner import dask_pool
from strongroom.runner.local import LocalRunner
from strongroom.runner.pool import WorkerDiedError
from tests.fixtures.dask import ROOT, Cluster, dask_runner, kill, running_cluster
from tests.fixtures.processes import until_gone
from tests.runner import jobs

pytest.importorskip("distributed", reason="Dask is an extra: pip install -e '.[dask]'")


def marks(folder: Path, count: int) -> list[int]:
    """The pids of `count` tries, once they have begun, first to last."""
    end = time.monotonic() + jobs.PATIENCE
    while time.monotonic() < end:
        names = sorted(os.listdir(folder))
        if len(names) >= count:
            return [int(name.rpartition("-")[2]) for name in names]
        time.sleep(0.02)
    raise AssertionError(f"only {os.listdir(folder)}")


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_cluster_within_the_process(tmp_path: Path) -> None:
    with dask_runner("dask", tmp_path, 2) as runner:
        assert (runner.workers, runner.afar) == (2, False)
        pids = set(runner.map("meet", jobs.meet, [str(tmp_path)] * 4))
        assert len(pids) == 2
        assert os.getpid() not in pids
    assert until_gone(pids)


@pytest.mark.filterwarnings("error")
def test_two_clusters_within_a_process_are_quiet_and_listen_to_this_machine_alone(tmp_path: Path) -> None:
    with dask_runner("dask", tmp_path, 1) as one, dask_runner("dask", tmp_path, 1) as other:
        for runner in (one, other):
            cluster = runner.pool._client.cluster  # type: ignore[attr-defined]
            nodes = [cluster.scheduler, *cluster.workers.values()]
            assert [node.http_server.address for node in nodes] == ["127.0.0.1"] * 2


def test_nothing_looks_at_threads_in_a_cluster_within_the_process(tmp_path: Path) -> None:
    with dask_runner("dask", tmp_path, 1) as runner:
        cluster = runner.pool._client.cluster  # type: ignore[attr-defined]
        for node in (cluster.scheduler, *cluster.workers.values()):
            assert "profile" not in node.periodic_callbacks and not node.io_loop.profile
        assert not [thread for thread in threading.enumerate() if thread.name == "Profile"]


def test_a_worker_that_its_profiler_could_stop_is_refused(tmp_path: Path) -> None:
    with running_cluster(0) as cluster:
        cluster.add_worker(env={"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "true"})
        cluster.wait(1)
        with dask_runner(cluster.runner, tmp_path) as runner:
            if sys.version_info >= (3, 12):
                assert list(runner.map("double", jobs.double, [1])) == [2]
                return
            with pytest.raises(StrongroomError, match=r"tcp://127.0.0.1:.*DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED=false"):
                list(runner.map("double", jobs.double, [1]))


def test_a_batch_of_a_worker_that_dies_is_done_again_by_another_once(tmp_path: Path) -> None:
    folder = tmp_path / "marks"
    folder.mkdir()
    with running_cluster(2) as cluster, dask_runner(cluster.runner, tmp_path) as runner:
        found: list[int] = []
        mapping = threading.Thread(target=lambda: found.extend(runner.map("sleep", jobs.sleep_first, [str(folder)])))
        mapping.start()
        (first,) = marks(folder, 1)
        victim = parent(first)
        kill(next(worker for worker in cluster.workers if worker.pid == victim))
        mapping.join(jobs.PATIENCE)
        assert marks(folder, 2) == [first, *found]
        assert until_gone([first])
        assert sorted(runner.map("double", jobs.double, range(20))) == [2 * n for n in range(20)]


def test_a_batch_that_kills_every_worker_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "marks"
    folder.mkdir()
    with running_cluster(3, allowed_failures=1) as cluster, dask_runner(cluster.runner, tmp_path) as runner:
        with pytest.raises(WorkerDiedError, match="one worker after another died over the same batch"):
            list(runner.map("kill", jobs.kill_dask_worker, [str(folder)]))
        assert len(marks(folder, 2)) == 2
        assert list(runner.map("double", jobs.double, [2])) == [4]


def test_a_cluster_without_workers_is_not_waited_for_forever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_pool, "PATIENCE", 4.0)
    with running_cluster(1) as cluster, dask_runner(cluster.runner, tmp_path) as runner:
        with pytest.raises(StrongroomError, match=r"for 4 s there has been no worker.*run the same command again"):
            list(runner.map("kill", jobs.kill_dask_worker, [str(tmp_path)]))
        assert until_gone([cluster.workers[0].pid])


def test_a_scheduler_that_goes_away_ends_the_run(tmp_path: Path) -> None:
    with running_cluster(1) as cluster, dask_runner(cluster.runner, tmp_path) as runner:
        gone = threading.Timer(0.5, lambda: kill(cluster.scheduler))  # type: ignore[arg-type]
        gone.start()
        with pytest.raises(StrongroomError, match="its scheduler"):
            list(runner.map("sleep", jobs.sleep, [(str(tmp_path), jobs.NAP)]))
        assert until_gone([int(name) for name in os.listdir(tmp_path) if name.isdigit()])


PROGRAM = """
import sys
from pathlib import Path
from strongroom.runner.local import LocalRunner
from tests.runner import jobs
with LocalRunner(scratch=Path(sys.argv[2])) as runner:
    list(runner.map("sleep", jobs.sleep, [(sys.argv[1], jobs.NAP)] * 4))
"""


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_tasks_end_with_who_wanted_them(dask_cluster: Cluster, tmp_path: Path, sent: signal.Signals) -> None:
    folder = tmp_path / "pids"
    folder.mkdir()
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "STRONGROOM_RUNNER": dask_cluster.runner}
    command = [sys.executable, "-c", PROGRAM, str(folder), str(tmp_path)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        marks(folder, 2)
        process.send_signal(sent)
        _, errors = process.communicate(timeout=jobs.PATIENCE)
    if sent == signal.SIGINT:
        assert "KeyboardInterrupt" in errors
    pids = [int(name) for name in os.listdir(folder)]
    assert len(pids) == 2  # and no other batch was begun
    assert until_gone(pids)
    with dask_runner(dask_cluster.runner, tmp_path) as runner:
        assert list(runner.map("double", jobs.double, [1])) == [2]


def test_a_worker_that_sees_another_folder_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    monkeypatch.chdir(here)
    scratch = Path("/proc/self/cwd/scratch")  # another folder for each of them, as on machines that do not share it
    with running_cluster(0) as cluster:
        cluster.add_worker(cwd=there)
        cluster.wait(1)
        with dask_runner(cluster.runner, scratch) as runner:
            with pytest.raises(StrongroomError, match=r"tcp://.*scratch cannot be used there.*STRONGROOM_SCRATCH name a folder that all"):
                list(runner.map("double", jobs.double, [1]))
            (there / "scratch").mkdir()
            (there / "scratch" / "locks.sqlite").write_bytes((here / "scratch" / "locks.sqlite").read_bytes())
            with pytest.raises(StrongroomError, match=r"locks in .* do not reach there"):
                list(runner.map("double", jobs.double, [1]))


def test_workers_on_other_machines_need_a_shared_folder_and_a_catalogue_that_they_can_ask(
    dask_cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_pool, "this_machine", lambda: "another")
    with (
        dask_runner(dask_cluster.runner, tmp_path) as runner,
        pytest.raises(StrongroomError, match=r"on another machine.*STRONGROOM_SCRATCH name one of a network file system"),
    ):
        list(runner.map("double", jobs.double, [1]))
    monkeypatch.setenv("STRONGROOM_SCRATCH", str(tmp_path))
    monkeypatch.delenv("STRONGROOM_CATALOGUE", raising=False)
    with (
        dask_runner(dask_cluster.runner, tmp_path) as runner,
        pytest.raises(StrongroomError, match=r"the run's catalogue is a file of one.*STRONGROOM_CATALOGUE"),
    ):
        list(runner.map("double", jobs.double, [1]))
    monkeypatch.setenv("STRONGROOM_CATALOGUE", "postgresql://archive@db.example/catalogue")
    with dask_runner(dask_cluster.runner, tmp_path) as runner:
        assert list(runner.map("double", jobs.double, [1])) == [2]


def test_another_version_is_not_worked_with(dask_cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_pool, "__version__", "0.0.0-other")
    with dask_runner(dask_cluster.runner, tmp_path) as runner, pytest.raises(StrongroomError, match=r"and the run 0\.0\.0-other; install"):
        list(runner.map("double", jobs.double, [1]))


def test_what_needs_this_machine_stays_here(dask_cluster: Cluster, tmp_path: Path) -> None:
    with dask_runner(dask_cluster.runner, tmp_path) as runner:
        (pid,) = runner.map("pid", jobs.pid, [None], here=True)
        assert parent(pid) == os.getpid()
        (pid,) = runner.map("pid", jobs.pid, [None])
        assert parent(pid) in {worker.pid for worker in dask_cluster.workers}


def test_workers_bounds_what_is_done_at_once(dask_cluster: Cluster, tmp_path: Path) -> None:
    with dask_runner(dask_cluster.runner, tmp_path, 1) as runner:
        assert runner.workers == 1
        assert len(set(runner.map("pid", jobs.pid, range(6)))) <= 2


@pytest.mark.parametrize("said", ["daks", "dask://", "dask://host:99999", "dask:8786", "tcp://host:8786", "dask://a/b"])
def test_what_is_no_runner(said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRONGROOM_RUNNER", said)
    with pytest.raises(UsageError, match="STRONGROOM_RUNNER is local, prefect, dask, dask://HOST:PORT"):
        LocalRunner(scratch=tmp_path)


def test_without_dask_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRONGROOM_RUNNER", "dask")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"pip install 'strongroom\[dask\]'"):
        LocalRunner(scratch=tmp_path)


def test_something_else_that_listens_is_not_waited_for_forever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_pool, "_CONNECTING", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("STRONGROOM_RUNNER", f"dask://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(StrongroomError, match=r"no scheduler of Dask.*correct STRONGROOM_RUNNER") as raised:
            LocalRunner(scratch=tmp_path)
    assert raised.value.exit_status == 3


def test_tls_without_certificates_is_wrong_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRONGROOM_RUNNER", "dask+tls://127.0.0.1:8786")
    with pytest.raises(UsageError, match=r"needs the certificates of the cluster.*ca-file"):
        LocalRunner(scratch=tmp_path)

"""Every promise of runner/interface.py, kept by real processes of this machine and of a Dask cluster."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.core.errors import RefusedError, StoreFullError, StrongroomError, UsageError
from strongroom.runner.interface import Runner
from strongroom.runner.local import LocalRunner
from strongroom.runner.malloc import FOR_WORKERS
from strongroom.runner.pool import WorkerDiedError
from tests.fixtures.dask import dask_runner
from tests.fixtures.processes import alive, until_gone
from tests.runner import jobs

ROOT = Path(__file__).parents[2]


@pytest.fixture
def local() -> Iterator[LocalRunner]:
    with LocalRunner(workers=2, first_pause=0.2) as made:
        yield made


@pytest.fixture(params=["local", "dask"])
def runner(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRunner]:
    if request.param == "local":
        yield request.getfixturevalue("local")
        return
    with dask_runner(request.getfixturevalue("dask_cluster").runner, tmp_path_factory.mktemp("scratch")) as made:
        yield made


def started(folder: Path, count: int) -> list[int]:
    """The pids of `count` workers that are asleep, once they are."""
    end = time.monotonic() + jobs.PATIENCE
    while time.monotonic() < end:
        names = os.listdir(folder)
        if len(names) >= count:
            return [int(name) for name in names]
        time.sleep(0.02)
    raise AssertionError(f"only {os.listdir(folder)} started")


def test_is_a_runner(runner: LocalRunner) -> None:
    typed: Runner = runner
    assert typed.workers == 2


def test_every_result_once(runner: LocalRunner) -> None:
    assert sorted(runner.map("double", jobs.double, range(50))) == [2 * n for n in range(50)]


def test_nothing_to_do(runner: LocalRunner) -> None:
    assert list(runner.map("double", jobs.double, [])) == []


def test_work_is_done_in_other_processes_that_are_kept(runner: LocalRunner, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    first = set(runner.map("meet", jobs.meet, [str(tmp_path / "one")] * 8))
    second = set(runner.map("meet", jobs.meet, [str(tmp_path / "two")] * 8))
    assert len(first) == 2
    assert first == second
    assert os.getpid() not in first


def test_even_one_batch_runs_in_a_worker(runner: LocalRunner) -> None:
    assert list(runner.map("pid", jobs.pid, [None])) != [os.getpid()]


def test_results_come_as_they_are_done(runner: LocalRunner, tmp_path: Path) -> None:
    late, early = str(tmp_path / "late"), str(tmp_path)
    results = runner.map("wait", jobs.wait_for, [late, early], retries=0)
    assert next(results) == early
    Path(late).touch()
    assert list(results) == [late]


@pytest.mark.local_only("a Dask worker ends what nobody wants within half a second, not at once")
def test_a_consumer_that_stops_early_waits_for_nobody(local: LocalRunner, tmp_path: Path) -> None:
    results = local.map("sleep", jobs.sleep, [(str(tmp_path), 0.0), *[(str(tmp_path), jobs.NAP)] * 5])
    next(results)
    pids = started(tmp_path, 2)
    began = time.monotonic()
    results.close()  # type: ignore[attr-defined]
    assert time.monotonic() - began < jobs.NAP / 2
    asleep = [pid for pid in pids if alive(pid)]
    assert len(asleep) <= 1  # the one that was idle at most
    assert list(local.map("double", jobs.double, [4])) == [8]


def test_results_of_a_slow_consumer_do_not_pile_up(runner: LocalRunner, tmp_path: Path) -> None:
    results = runner.map("mark", jobs.mark, [str(tmp_path)] * 40)
    next(results)
    end = time.monotonic() + jobs.PATIENCE
    while len(os.listdir(tmp_path)) < 1 + 2 * runner.workers and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.5)  # for more of them, of which there must be none
    assert len(os.listdir(tmp_path)) == 1 + 2 * runner.workers
    assert len(list(results)) == 39


def test_no_result_is_kept_while_the_next_is_waited_for(runner: LocalRunner, tmp_path: Path) -> None:
    assert jobs.drop_each(runner, tmp_path / "dropped", 2) == 2


def test_workers_keep_little_of_freed_memory_unless_told_otherwise(local: LocalRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "MALLOC_TRIM_THRESHOLD_"
    assert list(local.map("setting", jobs.setting, [name])) == [FOR_WORKERS[name]]
    monkeypatch.setenv(name, "1")
    with LocalRunner(workers=1) as told:
        assert list(told.map("setting", jobs.setting, [name])) == ["1"]


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="not glibc")
def test_the_leading_process_has_one_arena(tmp_path: Path) -> None:
    """A process of its own, whose threads all allocate at once."""
    told = tmp_path / "told"
    code = """if True:
        import ctypes, sys, threading
        from strongroom.runner.local import LocalRunner
        libc = ctypes.CDLL(None)
        libc.fopen.restype = ctypes.c_void_p
        with LocalRunner(workers=1):
            meeting = threading.Barrier(9)
            def allocate():
                kept = [bytearray(1000) for _ in range(100)]
                meeting.wait()
                meeting.wait()
            threads = [threading.Thread(target=allocate) for _ in range(8)]
            for thread in threads:
                thread.start()
            meeting.wait()
            file = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
            libc.malloc_info(0, file)
            libc.fclose(file)
            meeting.wait()
    """
    subprocess.run([sys.executable, "-c", code, str(told)], check=True, timeout=jobs.PATIENCE)
    assert told.read_text().count("<heap nr=") == 1


def test_a_killed_worker_is_replaced_and_only_its_batch_tried_again(runner: LocalRunner, tmp_path: Path) -> None:
    batches = [(str(tmp_path), number) for number in range(10)]
    assert sorted(runner.map("die", jobs.die_once, batches)) == list(range(10))
    assert len(os.listdir(tmp_path)) == 2  # batch 3 ran twice; the others leave no mark


def test_a_batch_that_always_crashes_is_named(runner: LocalRunner, tmp_path: Path) -> None:
    with pytest.raises(WorkerDiedError, match=r"batch 2 of 3 of “identify” ended its worker process 3 times \(last: SIGSEGV\).*, 2\)"):
        list(runner.map("identify", jobs.crash, [(str(tmp_path), number) for number in (1, 2, 3)]))
    assert len(os.listdir(tmp_path)) == 3
    assert list(runner.map("double", jobs.double, [1])) == [2]


def test_a_library_that_exits_is_an_error(runner: LocalRunner) -> None:
    with pytest.raises(StrongroomError, match="SystemExit: 7"):
        list(runner.map("leave", jobs.leave, [None], retries=0))


@pytest.mark.parametrize(("retries", "tries"), [(0, 1), (2, 3)])
def test_an_exception_ends_the_map_after_the_retries(runner: LocalRunner, tmp_path: Path, retries: int, tries: int) -> None:
    with pytest.raises(ValueError, match="no good") as caught:
        list(runner.map("fail", jobs.fail, [str(tmp_path)], retries=retries))
    assert len(os.listdir(tmp_path)) == tries
    assert "in a worker process" in caught.value.__notes__[0]
    assert "raise ValueError" in caught.value.__notes__[0]


def test_an_exception_that_cannot_be_pickled_keeps_its_words(runner: LocalRunner) -> None:
    with pytest.raises(StrongroomError, match="Awkward: 404: gone"):
        list(runner.map("fail", jobs.fail_awkwardly, [None], retries=0))


def test_a_result_that_cannot_be_pickled_is_an_error(runner: LocalRunner) -> None:
    with pytest.raises(Exception, match="pickle"):
        list(runner.map("fail", jobs.unpicklable, [None], retries=0))


@pytest.mark.parametrize(("function", "kind"), [(jobs.refuse, RefusedError), (jobs.misuse, UsageError), (jobs.fill, StoreFullError)])
def test_refusals_and_full_disks_are_raised_at_once(runner: LocalRunner, tmp_path: Path, function: object, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        list(runner.map("refuse", function, [str(tmp_path)]))  # type: ignore[arg-type]
    assert len(os.listdir(tmp_path)) == 1


def test_an_unreachable_store_is_asked_again_after_growing_pauses(
    runner: LocalRunner, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list(runner.map("ask", jobs.unreachable_twice, [str(tmp_path)])) == ["answered"]
    first, second, third = sorted(int(name.split("-")[0]) for name in os.listdir(tmp_path))
    assert second - first >= 0.2e9
    assert third - second >= 0.8e9
    assert re.findall("trying again in (.*) s", capsys.readouterr().err) == ["0.2", "0.8"]


def test_one_failure_ends_the_others_at_once(runner: LocalRunner, tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(ValueError, match="the first one"):
        list(runner.map("fail", jobs.fail_first, [(str(tmp_path), number) for number in range(1, 9)], retries=0))
    assert time.monotonic() - began < jobs.NAP / 2
    assert until_gone([int(name) for name in os.listdir(tmp_path)])


def test_large_results(runner: LocalRunner) -> None:
    assert [len(data) for data in runner.map("big", jobs.big, [64 << 20])] == [64 << 20]


def test_closing_leaves_no_process(tmp_path: Path) -> None:
    with LocalRunner(workers=2) as runner:
        pids = list(runner.map("pid", jobs.pid, range(4)))
        assert all(alive(pid) for pid in pids)
    assert not any(alive(pid) for pid in pids)


def test_a_forgotten_runner_leaves_no_process() -> None:
    runner = LocalRunner(workers=1)
    pids = list(runner.map("pid", jobs.pid, [None]))
    del runner
    assert until_gone(pids)


def test_workers_do_not_import_prefect_or_rich(runner: LocalRunner) -> None:
    (names,) = runner.map("modules", jobs.modules, [None])
    assert not {"prefect", "rich", "boto3", "pytest", "distributed", "sqlite3"} & set(names)


def test_no_workers_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="0 workers"):
        LocalRunner(workers=0)


PROGRAM = """
import sys
from strongroom.runner.local import LocalRunner
from tests.runner import jobs
with LocalRunner(workers=2) as runner:
    for result in runner.map(sys.argv[2], getattr(jobs, sys.argv[2]), [(sys.argv[1], jobs.NAP)] * 4):
        print(result)
"""


def program(folder: Path, function: str = "sleep") -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), function], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        process_group=0,
    )


def test_ctrl_c_stops_everything(tmp_path: Path) -> None:
    with program(tmp_path) as process:
        pids = started(tmp_path, 2)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        _, errors = process.communicate(timeout=jobs.PATIENCE)
    assert "KeyboardInterrupt" in errors
    assert errors.count("Traceback") == 1  # the workers said nothing
    assert until_gone(pids)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
def test_workers_die_with_their_parent(tmp_path: Path, sent: signal.Signals) -> None:
    with program(tmp_path) as process:
        pids = started(tmp_path, 2)
        process.send_signal(sent)
        process.communicate(timeout=jobs.PATIENCE)
    assert until_gone(pids)


def test_workers_write_nothing_to_standard_output(tmp_path: Path) -> None:
    with program(tmp_path, "noisy") as process:
        output, _ = process.communicate(timeout=jobs.PATIENCE)
    assert output == "done\n" * 4

"""A restore that was cut off goes on where it stopped, keeps what is sound, and never shows half a result."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys

import pytest

from strongroom.core import keys
from strongroom.core.errors import DestinationError, UsageError
from strongroom.core.findings import Code
from strongroom.usecases.restore import RestoreRequest, fill, restore
from strongroom.usecases.restore.limits import Limits, apply, probe
from strongroom.usecases.restore.plan import SKIPPED, Plan
from strongroom.usecases.restore.workplace import Workplace
from strongroom.usecases.sealed.collector import Collector
from tests.restore.builder import seal_folder, snapshot
from tests.restore.conftest import InlineRunner


@pytest.fixture
def many(tmp_path):
    source = tmp_path / "many"
    for number in range(400):
        (source / f"{number // 50}").mkdir(parents=True, exist_ok=True)
        (source / f"{number // 50}" / f"{number}.txt").write_bytes(random.Random(number).randbytes(3000))
    (source / "big.bin").write_bytes(random.Random(1).randbytes(12 << 20))
    return source


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(fill, "_SMALLEST", 1 << 18)


def partials(tmp_path):
    return [path for path in tmp_path.iterdir() if ".partial-" in path.name]


def test_an_interrupted_restore_goes_on_and_leaves_sound_files_alone(tmp_path, store, many, context, small_batches):
    seal_folder(store, many, pack_size=100_000)
    request = RestoreRequest("site", tmp_path / "out", payload_only=True, source=store.url)
    first = InlineRunner(stop_after=3)
    with pytest.raises(KeyboardInterrupt):
        restore(request, context, first)
    assert "goes on from there" in first.said[-1] and not (tmp_path / "out").exists()
    (partial,) = partials(tmp_path)
    before = {path.name: path.stat().st_ino for path in partial.rglob("*.txt")}
    assert 0 < len(before) < 400
    torn, altered = sorted(partial.rglob("*.txt"))[:2]
    os.truncate(torn, 100)
    altered.write_bytes(b"x" * 3000)
    report = restore(request, context, InlineRunner())
    assert report.complete and report.present == len(before) - 2 and report.written == 401 - report.present
    after = {path.name: path.stat().st_ino for path in (tmp_path / "out").rglob("*.txt")}
    assert sum(after[name] == inode for name, inode in before.items()) >= len(before) - 2
    assert snapshot(tmp_path / "out") == snapshot(many) and not partials(tmp_path)


#: A restore that is sent signal S by itself when its Nth batch is written and noted: its workers are at the next ones by then.
STOPPED = """
import os, signal, sys
from strongroom.cli.main import main
from strongroom.usecases.restore import fill, plan
fill._SMALLEST = 1 << 16
number, after = map(int, os.environ["STOP"].split())
noted, seen = plan.Plan.finish_keys, 0

def finish_keys(self, *values):
    global seen
    noted(self, *values)
    seen += 1
    if seen == after:
        os.killpg(0, number) if number == signal.SIGKILL else os.kill(os.getpid(), number)

plan.Plan.finish_keys = finish_keys
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_killed_again_and_again_it_still_ends_identical(tmp_path, store, many, context):
    seal_folder(store, many, pack_size=20_000)
    script = tmp_path / "run.py"
    script.write_text(STOPPED)
    command = [sys.executable, script, "restore", "site", tmp_path / "out", "--from", store.url, "--no-prefect", "--quiet", "--json"]
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "STRONGROOM_HOME": str(tmp_path / "home"),
    }

    def run(stop, after):
        stopped = {**environment, "STOP": f"{int(stop)} {after}"}
        return subprocess.run(command, env=stopped, start_new_session=True, capture_output=True, text=True, check=False, timeout=300)

    for stop, after in ((signal.SIGKILL, 1), (signal.SIGINT, 2), (signal.SIGKILL, 3), (signal.SIGTERM, 1), (signal.SIGKILL, 2)):
        shutil.rmtree(tmp_path / "home", ignore_errors=True)
        done = run(stop, after)
        assert done.returncode == (-signal.SIGKILL if stop is signal.SIGKILL else 130), done.stderr
        assert not (tmp_path / "out").exists() and partials(tmp_path)
    done = run(0, 0)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["present"] > 0 and report["written"] > 0
    original, restored = snapshot(many), snapshot(tmp_path / "out" / "data")
    assert {n: v for n, v in restored.items() if v[0] == "file"} == {n: v for n, v in original.items() if v[0] == "file"}
    assert not partials(tmp_path)


@pytest.mark.parametrize("prefix", ["right", "wrong", "too long"])
def test_a_large_content_goes_on_after_what_is_there(tmp_path, store, many, context, runner, prefix):
    sealed = seal_folder(store, many, pack_size=100_000)
    request = RestoreRequest("site", tmp_path / "out", payload_only=True, paths=("big.bin",), source=store.url)
    place = Workplace(request.dest, request.identity(sealed.digest), into=False)
    place.open()
    place.close()
    data = (many / "big.bin").read_bytes()
    (place.partial / "big.bin").write_bytes({"right": data[: 7 << 20], "wrong": b"x" * (7 << 20), "too long": data + b"x"}[prefix])
    if prefix == "right":  # only the rest is read: the beginning of the stored object may even be damaged
        stored = tmp_path / "store" / str(keys.content(sealed.objects[0]))
        stored.chmod(0o644)
        with stored.open("r+b") as file:
            file.write(b"damaged")
    report = restore(request, context, runner)
    assert report.complete and (tmp_path / "out" / "big.bin").read_bytes() == data


def test_partials_of_other_bags_and_requests_are_not_mixed_up(tmp_path, store, many, context, small_batches):
    first = seal_folder(store, many, pack_size=100_000)
    (many / "0" / "0.txt").write_text("altered")
    seal_folder(store, many, "site/v2", previous=first, reuse=first)
    for version in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            restore(RestoreRequest("site", tmp_path / "out", version=version, source=store.url), context, InlineRunner(stop_after=1))
    assert len(partials(tmp_path)) == 2
    report = restore(RestoreRequest("site", tmp_path / "out", version=2, payload_only=True, source=store.url), context, InlineRunner())
    assert report.complete and report.present == 0 and (tmp_path / "out" / "0" / "0.txt").read_text() == "altered"


def test_two_restores_do_not_share_a_partial(tmp_path, store, many, context):
    sealed = seal_folder(store, many)
    request = RestoreRequest("site", tmp_path / "out", source=store.url)
    place = Workplace(request.dest, request.identity(sealed.digest), into=False)
    place.open()
    try:
        with pytest.raises(UsageError, match="under way"):
            restore(request, context, InlineRunner())
    finally:
        place.close()
    assert restore(request, context, InlineRunner()).complete


def test_into_is_resumed_too(tmp_path, store, many, context, small_batches):
    seal_folder(store, many, pack_size=100_000)
    (tmp_path / "out").mkdir()
    request = RestoreRequest("site", tmp_path / "out", into=True, source=store.url)
    with pytest.raises(KeyboardInterrupt):
        restore(request, context, InlineRunner(stop_after=3))
    assert len(os.listdir(tmp_path / "out")) == 1  # what is not whole yet stands in nobody's way
    report = restore(request, context, InlineRunner())
    assert report.complete and report.present > 0 and report.present + report.written == 401
    restored = snapshot(tmp_path / "out")
    assert {n: v for n, v in restored.items() if n != b"."} == {n: v for n, v in snapshot(many).items() if n != b"."}


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 4 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(disk)], capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_disk_known_to_be_too_small_is_refused_before_anything_is_written(tiny_disk, store, many, context, runner):
    seal_folder(store, many)
    with pytest.raises(DestinationError, match="make room"):
        restore(RestoreRequest("site", tiny_disk / "out", source=store.url), context, runner)


def test_a_disk_that_fills_up_keeps_what_was_written(tiny_disk, store, many, context, runner, monkeypatch):
    seal_folder(store, many, pack_size=100_000)
    monkeypatch.setattr(Workplace, "check_space", lambda self, needed: None)  # somebody else fills the disk meanwhile
    request = RestoreRequest("site", tiny_disk / "out", payload_only=True, source=store.url)
    with pytest.raises(DestinationError, match="No space left") as caught:
        restore(request, context, runner)
    assert caught.value.exit_status == 3 and "kept in" in runner.said[-1]
    subprocess.run(["mount", "-o", "remount,size=64m", str(tiny_disk)], check=True)
    report = restore(request, context, runner)
    assert report.complete and report.present > 0 and snapshot(tiny_disk / "out") == snapshot(many)


def test_what_this_file_system_can_do_is_found_out(tmp_path):
    limits = probe(tmp_path)
    assert limits == Limits(ignores_case=False, ignores_normalisation=False, modes=True, nanoseconds=True, links=True)
    assert os.listdir(tmp_path) == []


def test_files_that_would_land_on_one_another_are_named_and_left_out(tmp_path):
    collector = Collector()
    with Plan(tmp_path / "plan", create=True) as plan:
        for number, path in enumerate(["A.txt", "a.TXT", "b", "caf\u00e9", "cafe\u0301", "stra\u00dfe", "STRASSE"]):
            plan.db.execute("INSERT INTO file (content, path, target) VALUES (?, ?, ?)", (number, path, path.encode()))
        plan.db.execute("INSERT INTO link VALUES (?, 'l', ?, 1)", (b"l", b"b"))
        apply(Limits(True, True, modes=False, nanoseconds=False, links=False), plan, collector, tmp_path)
        left_out = {path for path, in plan.db.execute("SELECT path FROM file WHERE state = ?", (SKIPPED,))}
        assert left_out == {"a.TXT", "cafe\u0301", "STRASSE"}
        assert plan.one("SELECT count(*) FROM link") == 0
    refused = {finding.place for finding in collector.findings() if finding.code is Code.RESTORE_REFUSED}
    assert refused == left_out
    assert "l" in {finding.place for finding in collector.findings() if finding.code is Code.RESTORE_LIMIT}


def test_a_name_this_file_system_cannot_hold_is_named(tmp_path, store, context, runner):
    from tests.restore.builder import seal_bag

    contents = {"data/" + "x" * 300: b"long", "data/good": b"good"}
    technical = [{"path": p, "size": len(d), "mode": "644", "mtime": 1, "type": "text/plain"} for p, d in sorted(contents.items())]
    seal_bag(store, "site/v1", technical, [], [], contents)
    report = restore(RestoreRequest("site", tmp_path / "out", payload_only=True, source=store.url), context, runner)
    assert report.lost == 1 and report.exit_status == 1
    assert {f.place for f in report.findings if f.code is Code.RESTORE_REFUSED} == {"data/" + "x" * 300}
    assert os.listdir(report.result) == ["good"]

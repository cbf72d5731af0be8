"""A replication that is killed leaves no half bag, and the next one goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.cli.test_archive import ROOT, strongroom
from tests.faults.place import orphans
from tests.replicate.test_cli import bags, two_stores


def test_killed_at_many_moments_and_run_again(tmp_path: Path) -> None:
    manifest = two_stores(tmp_path)
    for number in range(12):
        (tmp_path / f"letters/large-{number}").write_bytes(os.urandom(5 << 20))
    assert strongroom(tmp_path, "archive", manifest, "--no-replicate").returncode == 0
    copy = tmp_path / "letters-copy"
    command = [sys.executable, "-m", "strongroom", "replicate", str(manifest), "--quiet", "--workers", "1"]
    path = os.pathsep.join(str(ROOT / part) for part in ("tests/faults/inject", "src", "."))
    for number, come in enumerate((1, 1, 3)):  # killed right after so many more large contents have come
        before = len(list(copy.glob("content/*/*")))
        fault = {"log": str(tmp_path / f"{number}.log"), "kill_after": come, "counting": " content/"}
        environment = {**os.environ, "PYTHONPATH": path, "STRONGROOM_HOME": str(tmp_path / "state"), "STRONGROOM_FAULT": json.dumps(fault)}
        with subprocess.Popen(command, cwd=tmp_path, env=environment, start_new_session=True) as process:
            assert process.wait(300) == -9
        assert orphans(process.pid) == []
        assert bags(copy) == []
        assert len(list(copy.glob("content/*/*"))) >= before + come
    come = {path: path.stat().st_ino for path in copy.glob("content/*/*")}
    assert come
    done = strongroom(tmp_path, "replicate", manifest)
    assert done.returncode == 0, done.stderr
    assert bags(copy) == ["v1"]
    assert {path: path.stat().st_ino for path in come} == come  # not written again
    assert not list(copy.glob("content/*/*~1"))
    (tmp_path / "letters-store").rename(tmp_path / "gone")
    restored = strongroom(tmp_path, "restore", "letters", tmp_path / "restored", "--payload-only", "--from", copy)
    assert restored.returncode == 0, restored.stderr
    assert {path.name: path.read_bytes() for path in (tmp_path / "restored").iterdir()} == {
        path.name: path.read_bytes() for path in (tmp_path / "letters").iterdir()}

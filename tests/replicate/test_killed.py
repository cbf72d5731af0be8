"""A replication that is killed leaves no half bag, and the next one goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.cli.test_archive import ROOT, strongroom
from tests.replicate.test_cli import bags, two_stores


def test_killed_at_many_moments_and_run_again(tmp_path: Path) -> None:
    manifest = two_stores(tmp_path)
    for number in range(12):
        (tmp_path / f"letters/large-{number}").write_bytes(os.urandom(5 << 20))
    assert strongroom(tmp_path, "archive", manifest, "--no-replicate").returncode == 0
    copy = tmp_path / "letters-copy"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "STRONGROOM_HOME": str(tmp_path / "state")}
    killed = 0
    for wait in (0, 1, 3):  # until so many large contents have come
        command = [sys.executable, "-m", "strongroom", "replicate", str(manifest), "--quiet", "--workers", "1"]
        with subprocess.Popen(command, cwd=tmp_path, env=environment, start_new_session=True) as process:
            while process.poll() is None and len(list(copy.glob("content/*/*"))) < wait + killed:
                time.sleep(0.01)
            killed += process.poll() is None
            os.killpg(process.pid, signal.SIGKILL)
        assert bags(copy) == []
    assert killed == 3
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

"""An export that is killed leaves nothing that could be taken for a bag, and the next one removes what it left."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from strongroom.usecases.export.place import Place as Dest
from strongroom.usecases.verify import verify
from tests.faults.place import Place, kill_session

QUIET = ("--no-prefect", "--workers", "1")


def leftovers(place: Place) -> list[Path]:
    return sorted(place.root.glob(".*.partial-*"))


@pytest.mark.parametrize("form", ["dir", "tar", "ocfl"])
def test_killed_and_run_again(tmp_path: Path, form: str) -> None:
    place = Place(tmp_path / "place").make()
    for number in range(6):
        place.write(f"large-{number}", random.Random(number).randbytes(30 << 20))
    assert place.archive().status == 0
    dest = place.root / "out"
    command = ("export", "site", dest, "--as", form, *QUIET)
    for _ in range(2):
        with place.start(*command) as process:
            until = time.monotonic() + 120
            while time.monotonic() < until and process.poll() is None and not leftovers(place):
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            kill_session(process.pid)
            process.communicate(timeout=60)
        assert process.returncode == -9 and not dest.exists()
        assert len(leftovers(place)) == 1  # the second run removed what the first had left
    done = place.run(*command)
    assert done.status == 0 and "cut off" in done.err, done.err
    assert leftovers(place) == []
    if form == "dir":
        assert verify(dest).valid
    assert dest.exists()


@pytest.mark.parametrize("folder", [True, False])
def test_what_somebody_is_writing_now_is_left_alone(tmp_path: Path, folder: bool) -> None:
    said: list[str] = []
    (tmp_path / ".out.partial-notours").mkdir()
    (tmp_path / (".out.partial-" + "0" * 16)).symlink_to(tmp_path)
    with Dest(tmp_path / "out", folder=folder, say=said.append) as first:
        with Dest(tmp_path / "out", folder=folder, say=said.append) as second:
            assert first.partial.exists() and second.partial != first.partial
        assert first.partial.exists() and not second.partial.exists()
    assert said == [] and sorted(os.listdir(tmp_path)) == [".out.partial-" + "0" * 16, ".out.partial-notours"]
    left = tmp_path / (".out.partial-" + "a" * 16)
    left.mkdir()
    (left / "data").mkdir(mode=0o500)
    with Dest(tmp_path / "out", folder=folder, say=said.append):
        assert not left.exists()
    assert len(said) == 1 and "begins anew" in said[0]

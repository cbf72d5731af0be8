"""An export that is killed leaves nothing that could be taken for a bag, and the next one removes what it left."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom.usecases.export.place import Place as Dest
from strongroom.usecases.verify import verify
from tests.faults.place import ROOT, Place

#: The command, which is killed as it asks for the fifth of six contents, which it reads four at a time.
KILLED = """
import os, signal, sys
from strongroom.cli.main import main
from strongroom.stores.file import FileStore
real, seen = FileStore.get, []
def get(store, key, *args, **kwargs):
    if key.text.startswith("content/"):
        seen.append(key)
        if len(seen) == 5:
            os.kill(os.getpid(), signal.SIGKILL)
    return real(store, key, *args, **kwargs)
FileStore.get = get
sys.exit(main(sys.argv[1:]))
"""
QUIET = ("--no-prefect", "--workers", "1")


def leftovers(place: Place) -> list[Path]:
    return sorted(place.root.glob(".*.partial-*"))


@pytest.mark.parametrize("form", ["dir", "tar", "ocfl"])
def test_killed_and_run_again(tmp_path: Path, form: str) -> None:
    place = Place(tmp_path / "place").make()
    for number in range(6):
        place.write(f"large-{number}", random.Random(number).randbytes(5 << 20))
    assert place.archive().status == 0
    dest = place.root / "out"
    command = ("export", "site", dest, "--as", form, *QUIET)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "STRONGROOM_HOME": str(place.root / place.home)}
    left = set()
    for number in (1, 2):
        killed = subprocess.run([sys.executable, "-c", KILLED, *map(str, command)], env=environment, capture_output=True, check=False)
        assert killed.returncode == -signal.SIGKILL and not dest.exists(), killed.stderr
        (partial,) = leftovers(place)  # the second run removed what the first had left
        written = [partial] if partial.is_file() else [path for path in partial.rglob("*") if path.is_file()]
        assert sum(path.stat().st_size for path in written) >= 10 << 20  # in the middle
        left.add(partial)
        assert len(left) == number
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

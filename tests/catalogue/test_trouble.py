"""What is said when the catalogue cannot be opened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.place import without_privileges

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sqlite3, sys
from pathlib import Path
from strongroom.catalogue import Catalogue
from strongroom.catalogue.trouble import explain
from strongroom.core.errors import StrongroomError
try:
    with Catalogue.open(Path(sys.argv[1], "catalogue.sqlite")) as catalogue:
        catalogue.see_store("0" * 32, "file:///store")
except StrongroomError as error:
    print(error)
except sqlite3.Error as error:  # while it is worked with, as the command line has it
    print(explain(error, Path(sys.argv[1])))
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    return made


@pytest.mark.parametrize(("shut", "mode"), [("catalogue.sqlite", 0o000), ("catalogue.sqlite", 0o444), (".", 0o000)])
def test_a_mode_that_forbids_is_not_blamed_on_the_disk(home: Path, shut: str, mode: int) -> None:
    assert run(home) == ""
    (home / shut).chmod(mode)
    said = run(home)
    (home / shut).chmod(0o700)
    assert said.startswith(f"{home / shut}: permission denied")
    assert "full" not in said


def test_what_is_no_database_is_no_matter_of_permission(home: Path) -> None:
    (home / "catalogue.sqlite").mkdir(mode=0o777)
    (home / "catalogue.sqlite").chmod(0o777)
    said = run(home)
    assert said
    assert "permission" not in said


def run(home: Path) -> str:
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(home)], env={"PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True,
                          check=False, preexec_fn=without_privileges)
    assert done.returncode == 0, done.stderr
    return done.stdout

"""The frame of the command line, as a process."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from strongroom import __version__
from strongroom.cli.common import print_json, print_lines
from strongroom.cli.main import VERBS

ROOT = Path(__file__).parents[2]
#: A command line with one verb more, which ends as it is told to.
HARNESS = """
import sys
from strongroom.cli import main
main.VERBS["sample"] = ("tests.cli.sample_verb", "a verb for tests")
sys.exit(main.main())
"""


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", HARNESS, *arguments], capture_output=True, text=True, check=False, env=environment(**variables), timeout=300
    )


def test_the_help_names_every_variable_of_the_environment() -> None:
    read = {name for path in (ROOT / "src/strongroom").rglob("*.py") for name in re.findall(r'"(STRONGROOM_[A-Z_]+)"', path.read_text())}
    assert {"STRONGROOM_HOME", "STRONGROOM_CATALOGUE", "STRONGROOM_MOUNTS"} <= read
    shown = run("--help").stdout
    assert not {name for name in read if not re.search(rf"\b{name}\b", shown)}


def environment(**variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "STRONGROOM_"))}
    return {**kept, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", **variables}


def test_help_lists_every_verb_and_exit_status_and_loads_little() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "strongroom", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in shown.stderr.splitlines() if line.startswith("import time:")}
    assert "argparse" in loaded
    assert not loaded & {"boto3", "botocore", "cryptography", "flows", "jsonschema", "magic", "multiprocessing", "prefect", "rich", "yaml"}
    for verb in VERBS:
        assert f"    {verb} " in shown.stdout
    for status in ("0", "1", "2", "3", "130"):
        assert f"\n  {status} " in shown.stdout


def test_version() -> None:
    assert run("--version").stdout.startswith(f"strongroom {__version__}\nhashing: hashlib")


def test_the_version_says_what_hashes() -> None:
    shown = run("--version", STRONGROOM_NO_ACCELERATOR="1").stdout
    assert shown == f"strongroom {__version__}\nhashing: hashlib (STRONGROOM_NO_ACCELERATOR is set)\n"


def test_python_m() -> None:
    shown = subprocess.run([sys.executable, "-m", "strongroom", "--version"], capture_output=True, text=True, check=True, env=environment())
    assert shown.stdout.startswith(f"strongroom {__version__}\n")


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("sample",), ("archive",)])
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    shown = run(*arguments)
    assert shown.returncode == 2
    assert shown.stderr.startswith("usage: strongroom")
    assert shown.stdout == ""


@pytest.mark.parametrize(
    ("how", "status", "message"),
    [
        ("fine", 0, ""),
        ("findings", 1, ""),
        ("usage", 2, "strongroom: the collection manifest is wrong\\x1b[2J\nstrongroom: in two places\n"),
        ("refused", 1, "strongroom: too much vanished\n"),
        ("unreachable", 3, "strongroom: no answer\n"),
        ("full", 3, "strongroom: /mnt/disk/x: No space left on device\n"),
        ("memory", 3, "strongroom: out of memory; use fewer --workers\n"),
        ("interrupt", 130, "strongroom: interrupted; the same command can be run again\n"),
    ],
)
def test_how_a_verb_ends(how: str, status: int, message: str) -> None:
    shown = run("sample", how)
    assert (shown.returncode, shown.stderr, shown.stdout) == (status, message, "")


def test_an_unexpected_exception_says_what_to_report() -> None:
    shown = run("sample", "bug")
    assert shown.returncode == 3
    assert shown.stderr.startswith(f"strongroom: internal error: KeyError: 'no such thing' (strongroom {__version__}, Python 3.")
    assert "sample_verb.py:" in shown.stderr
    assert len(shown.stderr.splitlines()) == 1


@pytest.mark.parametrize(("arguments", "variables"), [(("--debug",), {}), ((), {"STRONGROOM_DEBUG": "1"})])
def test_tracebacks_when_asked_for(arguments: tuple[str, ...], variables: dict[str, str]) -> None:
    shown = run(*arguments, "sample", "bug", **variables)
    assert shown.returncode == 3
    assert "Traceback (most recent call last)" in shown.stderr


def test_a_reader_that_leaves_early() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HARNESS, "sample", "many-lines"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"line 0\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 3


def test_output_that_cannot_be_written_is_said_once(tmp_path: Path) -> None:
    with open("/dev/full", "wb") as full:
        ended = subprocess.run([sys.executable, "-m", "strongroom", "list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False,
                               env=environment(STRONGROOM_HOME=str(tmp_path)), timeout=300)
    assert (ended.returncode, ended.stderr) == (3, "strongroom: standard output: No space left on device\n")


def test_closed_streams_change_nothing(tmp_path: Path) -> None:
    command = f'exec "{sys.executable}" -m strongroom list <&- >&- 2>&-'
    assert subprocess.run(["sh", "-c", command], check=False, env=environment(STRONGROOM_HOME=str(tmp_path)), timeout=300).returncode == 0


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it_in_order(sent: signal.Signals, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HARNESS, "sample", "workers", str(tmp_path)], stderr=subprocess.PIPE, text=True, env=environment(),
        preexec_fn=lambda: signal.signal(sent, signal.SIG_DFL),  # under nohup the tests, and so the command, would be deaf to SIGHUP
    ) as process:
        end = time.monotonic() + 120
        while len(list(tmp_path.glob("[0-9]*"))) < 2 and time.monotonic() < end:
            time.sleep(0.02)
        pids = [int(path.name) for path in tmp_path.glob("[0-9]*")]
        process.send_signal(sent)
        _, errors = process.communicate(timeout=120)  # the workers would sleep longer
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "strongroom: interrupted; the same command can be run again"
    assert (tmp_path / "cleaned-up").exists()
    assert len(pids) == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_worst_status() -> None:
    from strongroom.cli.archive import worst

    assert worst([0, 3, 1]) == 1
    assert worst([0, 2, 3]) == 3
    assert worst([2, 0]) == 2
    assert worst([0, 0]) == 0


def test_json_is_one_document_in_utf_8(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    document: Any = {"name": "Ελλάδα", "odd": "\udcff"}
    print_json(document)
    sys.stdout.flush()
    written = capfdbinary.readouterr().out
    assert "Ελλάδα".encode() in written
    assert json.loads(written) == document


def test_lines_cannot_steer_the_terminal(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    print_lines(["a\x1b[2Jb", "δ"])
    sys.stdout.flush()
    assert capfdbinary.readouterr().out == "a\\x1b[2Jb\nδ\n".encode()

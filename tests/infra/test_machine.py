"""The systemd units and the cron table."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom.cli.main import VERBS
from strongroom.collections.cron import check_cron

INFRA = Path(__file__).parents[2] / "infra"
UNITS = sorted((INFRA / "systemd").iterdir())
PROGRAM = "/usr/local/bin/strongroom"


def commands(text):
    return re.findall(r"strongroom ([a-z]+)((?: --[a-z-]+)*)", "\n".join(line for line in text.splitlines() if not line.startswith("#")))


def test_units_are_read_by_systemd(tmp_path):
    assert [unit.name for unit in UNITS] == ["strongroom-due.service", "strongroom-due.timer", "strongroom-serve.service"]
    for unit in UNITS:
        (tmp_path / unit.name).write_text(unit.read_text().replace(PROGRAM, sys.executable))  # which is there
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze here; the units are read as INI below")
    run = subprocess.run([program, "verify", *(tmp_path / unit.name for unit in UNITS)], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_call_commands_that_exist_and_hold_no_secrets(unit):
    text = unit.read_text()
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read_string(text)
    called = [value for section in parser.sections() for key, value in parser[section].items() if key.startswith("Exec")]
    assert all(value.startswith(f"{PROGRAM} ") and value.split()[1] in VERBS for value in called)
    assert bool(called) is unit.name.endswith(".service")
    assert not re.search(r"^Environment=.*(URLS=|SECRET|KEY|PASSWORD)", text, re.MULTILINE)


def test_the_cron_table():
    text = (INFRA / "strongroom.cron").read_text()
    lines = [line for line in text.splitlines() if re.match(r"[0-9*]", line)]
    assert len(lines) == 2
    for line in lines:
        fields = line.split(maxsplit=6)
        check_cron(" ".join(fields[:5]))
        assert fields[5] == "strongroom" and "%" not in fields[6]  # cron takes % for a line end
        subprocess.run(["/bin/sh", "-n", "-c", fields[6]], check=True)
    assert {verb for verb, _ in commands("\n".join(line.split(maxsplit=6)[6] for line in lines))} == {"archive", "due", "status"}


def test_options_used_are_known(capfd):
    from strongroom.cli.main import main

    for file in (*UNITS, INFRA / "strongroom.cron"):
        for verb, options in commands(file.read_text()):
            assert main([verb, "--help"]) == 0
            known = capfd.readouterr().out
            assert all(option in known for option in options.split())

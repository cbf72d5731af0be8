"""What a person sees."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from strongroom.core.findings import Code, Finding
from strongroom.core.sizes import human_size
from strongroom.runner.local import LocalRunner
from strongroom.runner.progress import SHOWN_PER_CODE, LineDisplay, QuietDisplay, choose_display
from strongroom.runner.terminal import TerminalDisplay
from tests.runner import jobs


def test_one_line_a_stage(capsys: pytest.CaptureFixture[str]) -> None:
    with LocalRunner(1) as runner:
        with runner.stage("scan", files=3) as progress:
            progress.advance(files=3)
        list(runner.map("weighed", jobs.double, range(4), weigh=lambda result: (2, 1024 * result)))
        list(runner.map("counted", jobs.double, range(4)))
        runner.say("a\nb")
    out, err = capsys.readouterr()
    assert out == ""
    assert [re.sub(r"[\d.]+ s$", "T", line) for line in err.splitlines()] == [
        "scan: 3 files in T", "weighed: 8 files, 12.0 KiB in T", "counted: 4 batches in T", "a\\nb",
    ]


def test_a_stage_that_stops_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError), LineDisplay().stage("pack", files=None, size=None) as progress:
        progress.advance(1)
        raise KeyError
    assert capsys.readouterr().err.startswith("pack: stopped after 1 file in ")


def test_results_that_nobody_wants_any_more_are_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    with LocalRunner(1) as runner:
        results = runner.map("double", jobs.double, range(9))
        next(results)
        results.close()  # type: ignore[attr-defined]
    assert capsys.readouterr().err.startswith("double: 1 batch in ")


def test_quiet_still_shows_what_matters(capsys: pytest.CaptureFixture[str]) -> None:
    with LocalRunner(1, quiet=True) as runner:
        list(runner.map("double", jobs.double, [1]))
        runner.say("hello")
        runner.finding(Finding(Code.FORMAT_EMPTY, "data/a", "a note"))
        runner.finding(Finding(Code.CONTENT_DAMAGED, "data/b", "damaged"))
    assert capsys.readouterr().err == "error: data/b: damaged [content-damaged]\n"


def test_floods_of_findings_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    with LocalRunner(1) as runner:
        for number in range(1000):
            runner.finding(Finding(Code.RECORD_INVALID, f"row {number}", "bad"))
        runner.finding(Finding(Code.CONTENT_DAMAGED, "data/b", "damaged"))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == SHOWN_PER_CODE + 2
    assert lines[-2:] == [
        "error: data/b: damaged [content-damaged]", "… and 980 more [record-invalid]; all are in the report (--json)",
    ]


def test_bars_on_a_terminal() -> None:
    written = io.StringIO()
    display = TerminalDisplay(Console(file=written, force_terminal=True, width=100))
    with display.stage("[red]odd\x1b name", files=10, size=2048) as progress:
        progress.advance(files=5, size=1024)
        display.say("[bold]as it is\x1b[2J")
    shown = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", written.getvalue())
    assert re.search(r"5 files, 1\.0 KiB in [\d.]+ s", shown)
    assert "[red]odd\\x1b name" in shown
    assert "[bold]as it is\\x1b" in shown


def test_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(choose_display(quiet=True), QuietDisplay)
    assert isinstance(choose_display(quiet=False), LineDisplay)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert isinstance(choose_display(quiet=False), TerminalDisplay)


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (1, "1 byte"), (1023, "1,023 bytes"), (1536, "1.5 KiB"), (3 << 40, "3.0 TiB"), (2048 << 40, "2,048.0 TiB")]
)
def test_human_size(size: int, text: str) -> None:
    assert human_size(size) == text

"""A content over which a library crashes, hangs or eats memory costs that content its type: not the run, not another content's type."""

from __future__ import annotations

from pathlib import Path

import pytest

from strongroom.core.findings import Severity
from strongroom.usecases.archive import contents
from tests.archive.conftest import Site
from tests.faults.hostile.crashing import ingest_with_crashes


def types(site: Site) -> dict[str, str | None]:
    return {line["path"]: line.get("type") for line in site.lines(1, "metadata/technical.jsonl")}


def test_hostile_contents_lose_their_types_and_nothing_else(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "ingest", ingest_with_crashes)
    for number in range(6):  # more than a batch may kill workers
        site.write(f"crash/{number}", f"CRASH {number}")
    site.write("crash/copy of 0", "CRASH 0")
    site.write("exit", "EXIT")
    site.write("hang", "HANG")
    site.write("sleep", "SLEEP")
    site.write("bomb", "BOMB")
    site.write("large", b"CRASH" + bytes(5 << 20))
    report = site.run()
    assert report.outcome == "sealed" and report.exit_status == 0
    assert site.codes(report) == ["identification-failed"]
    assert all(finding.severity is Severity.NOTE for finding in report.findings)
    failed = next(finding for finding in report.findings if finding.code.label == "identification-failed")
    assert failed.message.startswith("11 files are stored without a type") and "SIGSEGV" in failed.message
    found = types(site)
    assert found["data/index.html"] == found["data/pages/a.html"] == "text/html" and found["data/empty"] == "application/x-empty"
    others = ("crash/copy of 0", "exit", "hang", "sleep", "bomb", "large")
    hostile = {*(f"data/crash/{n}" for n in range(6)), *(f"data/{name}" for name in others)}
    assert {path for path, kind in found.items() if kind is None} == hostile
    assert site.payload(1)["data/crash/3"] == b"CRASH 3"
    verdicts = "\n".join(line.get("basis", "") for line in site.lines(1, "metadata/formats.jsonl"))
    assert all(how in verdicts for how in ("SIGSEGV", "status 3", "longer than it may", "memory"))


def test_a_process_killed_for_other_reasons_costs_no_type(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "ingest", ingest_with_crashes)
    once = site.root / "killed"
    site.write("once", f"ONCE\n{once}\n")
    report = site.run()
    assert Path(once).exists()
    assert report.outcome == "sealed" and "identification-failed" not in site.codes(report)
    assert None not in types(site).values()

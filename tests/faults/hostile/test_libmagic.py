"""A content that crashes libmagic costs that content its type: not the batch, not the run, not another content's type."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from strongroom.core.findings import Severity
from strongroom.usecases.archive import contents
from strongroom.usecases.archive.identifying import Identifier
from tests.archive.conftest import Site
from tests.faults.hostile.crashing import ingest_with_crashes, out_of_memory


def types(site: Site) -> dict[str, str | None]:
    return {line["path"]: line.get("type") for line in site.lines(1, "metadata/technical.jsonl")}


def test_many_crashing_contents_lose_their_types_and_nothing_else(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "ingest", ingest_with_crashes)
    for number in range(6):  # more than a batch may kill workers
        site.write(f"crash/{number}", f"CRASH {number}")
    site.write("crash/copy of 0", "CRASH 0")
    site.write("exit", "EXIT")
    report = site.run()
    assert report.outcome == "sealed" and report.exit_status == 0
    assert site.codes(report) == ["identification-crashed"] * 7
    assert all(finding.severity is Severity.WARNING for finding in report.findings)
    assert {finding.place for finding in report.findings} >= {"data/exit", "data/crash/0", "data/crash/5"}
    assert "signal 11" in report.findings[0].message or "exit status 3" in report.findings[0].message
    found = types(site)
    assert found["data/index.html"] == found["data/pages/a.html"] == "text/html" and found["data/empty"] == "application/x-empty"
    untyped = {path for path, kind in found.items() if kind is None}
    assert untyped == {*(f"data/crash/{n}" for n in range(6)), "data/crash/copy of 0", "data/exit"}
    assert site.payload(1)["data/crash/3"] == b"CRASH 3"


def test_a_worker_killed_for_other_reasons_costs_no_type(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "ingest", out_of_memory)
    report = site.run()
    assert Path(f"{site.source}-killed").exists()
    assert report.outcome == "sealed" and site.codes(report) == []
    assert None not in types(site).values()


def test_the_mark_costs_next_to_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from strongroom.identify import libmagic

    monkeypatch.setattr(libmagic, "mime_type", lambda head: None)
    identifier = Identifier(tmp_path / "mark")
    start = time.perf_counter()
    for _ in range(100_000):
        identifier.mime_type(b"")
    seconds = time.perf_counter() - start
    identifier.close()
    assert seconds / 100_000 < 2e-6

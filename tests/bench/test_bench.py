"""The benchmark works at a tiny scale, judges rightly, and its page and plots can be rendered."""

from __future__ import annotations

import sys
import time
import xml.etree.ElementTree as ET

import pytest

from tests.bench.__main__ import main
from tests.bench.measure import CommandFailedError, _pss, measure
from tests.bench.place import Bench
from tests.bench.render import judge, write_page
from tests.bench.rows import ROWS, Bar, Row
from tests.bench.run import load

MACHINE = {"CPU": "one of them"}


def options(tmp_path):
    return ["--work", str(tmp_path / "work"), "--results", str(tmp_path / "results.jsonl"), "--docs", str(tmp_path / "docs")]


def test_rows_are_measured_and_the_page_is_rendered(tmp_path):
    chosen = ["archive-small", "restore-small", "archive-small-zstd", "start-list"]
    assert main(["--only", *chosen, "--scale", "0.0005", "--pairs", "2", *options(tmp_path)]) == 0
    lines = load(tmp_path / "results.jsonl")
    assert {line["row"] for line in lines} == set(chosen)
    for row in chosen:
        ours = [line for line in lines if line["row"] == row and line["who"] == "strongroom"]
        assert len(ours) == 2 and all(line["wall"] > 0 and line["cpu"] > 0 and line["memory"] > 10_000 for line in ours)
    stored = {line["row"]: line["stored"] for line in lines if line["who"] == "strongroom" and "stored" in line}
    assert 0 < stored["archive-small-zstd"] < stored["archive-small"]
    assert next(line["stored"] for line in lines if line["who"] == "unique bytes") > 100_000
    page = (tmp_path / "docs/benchmarks.md").read_text()
    assert "(scale 0.0005)" in page and "Quick runs are among these" in page and "peak memory" in page
    assert str(tmp_path) not in page
    # Measured again, a row replaces what was there of it, and of nothing else.
    assert main(["--only", "start-list", "--scale", "0.0005", "--pairs", "1", *options(tmp_path)]) == 0
    again = load(tmp_path / "results.jsonl")
    assert len([line for line in again if line["row"] == "start-list"]) == 1
    assert [line for line in again if line["row"] != "start-list"] == [line for line in lines if line["row"] != "start-list"]


def test_growth_is_plotted(tmp_path):
    assert main(["--growth", "files=20000,60000", "--scale", "0.001", *options(tmp_path)]) == 0
    lines = load(tmp_path / "results.jsonl")
    assert {(line["size"], line["work"]) for line in lines} == {
        (size, work) for size in (20000, 60000) for work in ("archive", "unchanged", "audit", "restore")}
    drawing = ET.fromstring((tmp_path / "docs/benchmarks-growth.svg").read_text())
    assert len(drawing.findall(".//{http://www.w3.org/2000/svg}polyline")) == 8
    assert "benchmarks-growth.svg" in (tmp_path / "docs/benchmarks.md").read_text()


def test_what_the_disk_has_no_room_for_is_left_out(tmp_path, capsys):
    assert main(["--growth", "bytes=100000000", *options(tmp_path)]) == 0
    assert "left out" in capsys.readouterr().err and load(tmp_path / "results.jsonl") == []


@pytest.mark.parametrize(("ours", "theirs", "met"), [(7.0, 10.0, "yes"), (7.1, 10.0, "**no**"), (7.0, None, "?")])
def test_a_bar_is_met_or_not_or_not_judged(ours, theirs, met):
    row = Row("x", "work", (Bar("restic", 0.7),), lambda bench: [])
    found = {"strongroom": {"wall": ours}} | ({"restic": {"wall": theirs}} if theirs else {})
    assert [one[2] for one in judge(row, found)] == [met]


def test_bars_without_a_peer_and_with_seconds_on_top():
    row = Row("x", "work", (Bar("", plus=30.0), Bar("local runner", 1.1, 4.0), Bar("", plus=0.5, what="cpu")), lambda bench: [])
    found = {"strongroom": {"wall": 15.1, "cpu": 0.6}, "local runner": {"wall": 10.0}}
    assert [one[2] for one in judge(row, found)] == ["yes", "**no**", "**no**"]


def test_medians_are_shown_and_prefects_share(tmp_path):
    common = {"row": "prefect-100k", "cpu": 1.0, "memory": 500_000_000, "scale": 1.0, "machine": MACHINE}
    lines = [{**common, "who": who, "run": run, "wall": wall + run}
             for who, wall in (("strongroom", 19.0), ("local runner", 9.0)) for run in range(3)]
    write_page(lines, tmp_path)
    page = (tmp_path / "benchmarks.md").read_text()
    assert "| strongroom | 20.00 | 1.00 | 500 | 50% |" in page and "2.00 ×" in page and "| ≤ 400 MB | 500 MB | **no** |" in page


def test_every_bar_has_its_contestant(tmp_path, monkeypatch):
    monkeypatch.setattr(Bench, "corpus", lambda bench, name: tmp_path / name)
    assert len({row.id for row in ROWS}) == len(ROWS)
    for row in ROWS:
        names = {one.name for one in row.contestants(Bench(tmp_path))}
        assert {"strongroom", *(bar.peer for bar in row.bars)} - {"", "unique bytes"} <= names


def test_a_command_is_measured_with_its_children(tmp_path, monkeypatch):
    large, pss = tmp_path / "large", _pss

    def noted(pid):
        found = pss(pid)
        if found > 50_000_000:
            large.touch()
        return found

    monkeypatch.setattr("tests.bench.measure._pss", noted)
    # The child ends when the parent's memory was looked at, however late that is; or in five minutes.
    burn = (
        "import os, time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"
        f"late = time.monotonic() + 300\nwhile not os.path.exists({str(large)!r}) and time.monotonic() < late: time.sleep(0.01)")
    parent = f"import subprocess, sys\nkeep = bytearray(b'x' * 50_000_000)\nsubprocess.run([sys.executable, '-c', {burn!r}])"
    began = time.monotonic()
    found = measure([sys.executable, "-c", parent], {}, tmp_path / "log")
    assert found.cpu >= 0.3 and 0.3 <= found.wall <= time.monotonic() - began
    assert found.memory > 50_000_000
    with pytest.raises(CommandFailedError, match="no such luck"):
        measure([sys.executable, "-c", "raise SystemExit('no such luck')"], {}, tmp_path / "log")

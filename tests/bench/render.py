"""docs/benchmarks.md and docs/benchmarks-growth.svg out of the results."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from tests.bench.rows import ROWS, Bar, Row
from tests.bench.svg import WIDTH, drawing, plot

Line = dict[str, Any]
MEMORY_LIMIT: Final = 400_000_000  # bytes
OURS: Final = "strongroom"

_HEAD: Final = """\
# Benchmarks

`make bench` measures this page: every contestant does the same work in turns on one machine, and what counts is the ratio of the medians.
Made from the results by `python -m tests.bench --render`; do not edit it.

* Ours runs on the local runner, with fsync, unless the row says otherwise. Identification and read-back are off where the peer has neither
  (`identify: false`, `readback: false`); the row "the defaults" has them on.
* CPU is user and system time of a contestant and all its children, without the S3 server, which has a column of its own. Memory is the
  highest sum of the proportional set sizes (PSS) of all its processes, sampled 20 times a second, or
  less often where that would take more than a fortieth of a core.
* Everything is synced to disk before each run.
"""


def write_page(lines: Sequence[Line], docs: Path) -> None:
    """Write both files."""
    docs.mkdir(parents=True, exist_ok=True)
    growth = [line for line in lines if line["row"].startswith("growth-")]
    (docs / "benchmarks.md").write_text("\n".join(_page(lines, growth)) + "\n")
    if growth:
        (docs / "benchmarks-growth.svg").write_text(_plots(growth))


def medians(lines: Sequence[Line]) -> dict[str, dict[str, dict[str, float]]]:
    """row → who → what → median."""
    found: dict[str, dict[str, dict[str, list[float]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for line in lines:
        for what in ("wall", "cpu", "memory", "stored", "server_cpu"):
            if what in line:
                found[line["row"]][line["who"]][what].append(line[what])
    return {
        row: {who: {what: median(values) for what, values in whats.items()} for who, whats in whos.items()} for row, whos in found.items()
    }


def judge(row: Row, found: dict[str, dict[str, float]]) -> Iterator[tuple[str, str, str]]:
    """(bar, what was measured, whether it is met) for each bar of a row."""
    for bar in row.bars:
        ours = found.get(OURS, {}).get(bar.what)
        theirs = found.get(bar.peer, {}).get(bar.what) if bar.peer else 0.0
        if ours is None or theirs is None:
            yield _words(bar), "not measured", "?"
            continue
        met = "yes" if ours <= theirs * bar.factor + bar.plus else "**no**"
        yield _words(bar), (f"{ours / theirs:.2f} ×" if theirs else f"{ours:.2f} s"), met


def _words(bar: Bar) -> str:
    if not bar.peer:
        return f"≤ {bar.plus:g} s" + (" CPU" if bar.what == "cpu" else "")
    plus = f" + {bar.plus:g} s" if bar.plus else ""
    return f"≤ {bar.factor:g} × {bar.peer}{plus}" + (", bytes" if bar.what == "stored" else "")


def _page(lines: Sequence[Line], growth: Sequence[Line]) -> Iterator[str]:
    found = medians(lines)
    yield _HEAD
    yield from _machines(lines)
    yield "## The bars\n"
    yield "| work | bar | measured | met |\n|---|---|---|---|"
    for row in ROWS:
        for bar, measured, met in judge(row, found.get(row.id, {})):
            yield f"| {row.work}{_scale(lines, row.id)} | {bar} | {measured} | {met} |"
    highest = max((line["memory"] for line in lines if line["who"] == OURS), default=None)
    if highest is not None:
        met = "yes" if highest <= MEMORY_LIMIT else "**no**"
        yield f"| peak memory, ours, highest of all runs on this page | ≤ {MEMORY_LIMIT / 1e6:g} MB | {highest / 1e6:.0f} MB | {met} |"
    yield ""
    yield "## The figures\n"
    for row in ROWS:
        if row.id in found:
            yield from _figures(row, lines, found[row.id])
    if growth:
        yield from _growth(growth)


def _machines(lines: Sequence[Line]) -> Iterator[str]:
    machines = {tuple(sorted(line["machine"].items())) for line in lines}
    for machine in sorted(machines):
        yield "Measured on:\n"
        yield from (f"* {name}: {value}" for name, value in machine)
        yield ""
    scales = {line["scale"] for line in lines}
    if scales - {1.0}:
        yield ("**Quick runs are among these:** the scale stands beside each row that has another than 1. Its corpora are as much smaller, "
               "start-up weighs more in them, and the bars are not meant for them.\n")


def _scale(lines: Sequence[Line], row: str) -> str:
    scales = sorted({line["scale"] for line in lines if line["row"] == row} - {1.0})
    return "".join(f" (scale {scale:g})" for scale in scales)


def _figures(row: Row, lines: Sequence[Line], found: dict[str, dict[str, float]]) -> Iterator[str]:
    runs = [line for line in lines if line["row"] == row.id and "wall" in line]
    cold = "caches dropped before each run" if any(line.get("cold") for line in runs) else "source in the page cache"
    yield f"### {row.work}{_scale(lines, row.id)}\n"
    yield f"Medians of {len({line.get('run') for line in runs})} runs each, {cold}.\n"
    names = {"wall": "seconds", "cpu": "CPU seconds", "server_cpu": "S3 server's CPU", "memory": "memory, MB", "stored": "stored, MB"}
    shown = [what for what in names if any(what in whats for whats in found.values())]
    share = row.prefect and all("wall" in found.get(who, {}) for who in (OURS, "local runner"))
    yield "| | " + " | ".join(names[what] for what in shown) + (" | Prefect's share" if share else "") + " |"
    yield "|---|" + "---:|" * (len(shown) + bool(share))
    for who, whats in sorted(found.items(), key=lambda item: (item[0] != OURS, item[0])):
        cells = [_cell(what, whats.get(what)) for what in shown]
        if share:
            part = 1 - found["local runner"]["wall"] / whats["wall"]
            cells.append(f"{part:.0%}" if who == OURS else "")
        yield f"| {who} | " + " | ".join(cells) + " |"
    yield ""


def _cell(what: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value / 1e6:,.0f}" if what in ("memory", "stored") else f"{value:.2f}"


def _growth(growth: Sequence[Line]) -> Iterator[str]:
    yield "## Growth\n"
    yield "![Time and memory by number of files and by bytes](benchmarks-growth.svg)\n"
    for kind, unit in (("files", "files"), ("bytes", "GiB, in files of 1 GiB")):
        some = [line for line in growth if line["row"] == f"growth-{kind}"]
        if some:
            yield f"| {unit}{_scale(growth, f'growth-{kind}')} | work | seconds | CPU seconds | memory, MB |\n|---:|---|---:|---:|---:|"
            for line in sorted(some, key=lambda line: line["size"]):
                yield (f"| {line['size']:,} | {line['work']} | {line['wall']:.1f} | {line['cpu']:.1f} | {line['memory'] / 1e6:,.0f} |")
            yield ""


def _plots(growth: Sequence[Line]) -> str:
    panels = []
    for kind, label in (("files", "files"), ("bytes", "GiB")):
        for what, title, factor in (("wall", "seconds", 1.0), ("memory", "memory, MB", 1e-6)):
            series: dict[str, list[tuple[float, float]]] = defaultdict(list)
            for line in growth:
                if line["row"] == f"growth-{kind}":
                    series[line["work"]].append((line["size"], line[what] * factor))
            if series:
                panels.append(plot(title, label, "", series, x=WIDTH * len(panels)))
    return drawing(panels, "Time and memory by number of files and by bytes")

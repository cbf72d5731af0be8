"""Measure Strongroom beside the programs people would use instead: python -m tests.bench [--only ROW …] [--scale 0.1]

Results are kept as lines of JSON; the page is rendered from all of them, so rows can be measured at different times. Corpora and stores
take some 30 GB at scale 1. Rows:

"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench.growth import grow
from tests.bench.machine import INSTALL, versions
from tests.bench.measure import CommandFailedError
from tests.bench.place import ROOT, Bench, remove, servers
from tests.bench.render import write_page
from tests.bench.rows import ROWS, Row
from tests.bench.run import append, forget, load, measure_row, say

_FILES = [10_000, 100_000, 1_000_000]
_GIB = [1, 10, 50]


def main(arguments: Sequence[str] | None = None) -> int:
    listed = "\n".join(f"  {row.id:22} {row.work}" for row in ROWS)
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "") + listed,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="ROW", choices=[row.id for row in ROWS], help="these rows (default: all)")
    parser.add_argument("--scale", type=float, default=1.0, help="corpora as many times larger (0.1: a quick run; the page says so)")
    parser.add_argument("--pairs", type=int, default=5, metavar="N", help="runs of each contestant (default 5)")
    parser.add_argument("--cold", action="store_true", help="drop caches before each run (root)")
    parser.add_argument("--growth", nargs="*", metavar="KIND=SIZE,…",
                        help="instead of rows: files=10000,100000,1000000 bytes=1,10,50 (GiB)")
    parser.add_argument("--work", type=Path, help="folder for corpora and stores, kept (default: a temporary one)")
    parser.add_argument("--results", type=Path, default=ROOT / "tests/bench/results.jsonl")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs")
    parser.add_argument("--render", action="store_true", help="measure nothing, write the page")
    args = parser.parse_args(arguments)
    status = 0
    if not args.render:
        for name in sorted(set(INSTALL) - set(versions())):
            say(f"not installed: {name}. {INSTALL[name]}")
        if args.cold and not os.access("/proc/sys/vm/drop_caches", os.W_OK):
            parser.error("--cold wants root")
        work = args.work or Path(tempfile.mkdtemp(prefix="strongroom-bench-"))
        work.mkdir(parents=True, exist_ok=True)
        try:
            status = _growth(args, work) if args.growth is not None else _rows(args, work)
        finally:
            remove(work / "runs" if args.work else work)
    lines = load(args.results)
    if lines:
        write_page(lines, args.docs)
        say(f"written: {args.docs / 'benchmarks.md'}")
    return status


def _rows(args: argparse.Namespace, work: Path) -> int:
    chosen: list[Row] = [row for row in ROWS if args.only is None or row.id in args.only]
    failed = 0
    with servers(Bench(work, args.scale), s3=any(row.s3 for row in chosen), prefect=any(row.prefect for row in chosen)) as bench:
        for row in chosen:
            measured = []
            try:
                measured = list(measure_row(row, bench, args.pairs, cold=args.cold))
            except (CommandFailedError, RuntimeError, OSError) as error:
                say(f"{row.id}: could not be measured: {error}")
                failed = 3
                continue
            forget(args.results, row.id)
            for line in measured:
                append(args.results, line)
            remove(work / "runs")
    return failed


def _growth(args: argparse.Namespace, work: Path) -> int:
    wanted = dict(item.split("=", 1) for item in args.growth) or {"files": None, "bytes": None}
    bench = Bench(work, args.scale)
    for kind, text in wanted.items():
        sizes = [int(size) for size in text.split(",")] if text else {"files": _FILES, "bytes": _GIB}[kind]
        lines = list(grow(bench, kind, sizes))
        forget(args.results, f"growth-{kind}")
        for line in lines:
            append(args.results, line)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The long set: `python -m tests.faults [--rows WORD …] [--seed S] [--tries N] [--jobs N]` prints a table of rows, tries and failures."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.faults.rows import ROWS
from tests.faults.running import run_row


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--rows", nargs="+", metavar="WORD", default=[""], help="only rows whose name has one of these in it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tries", type=int, help="in each row, instead of its own number (0: every step, where a row has steps)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="rows at once (default: as many as there are cores)")
    args = parser.parse_args()
    print(f"{'row':42}{'tries':>7}{'failures':>10}{'seconds':>9}   seed {args.seed}, {args.jobs} rows at once", flush=True)
    numbers = [number for number, row in enumerate(ROWS) if any(word in row.name for word in args.rows)]
    failures = 0
    # spawned, not forked: each process has a canary credential of its own to look for (no max_tasks_per_child: Python 3.11 can hang)
    with ProcessPoolExecutor(args.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        for done in as_completed([pool.submit(run_row, number, args.seed, args.tries) for number in numbers]):
            failed, text = done.result()
            failures += failed
            print(text, flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

"""The long set: `python -m tests.faults [--rows WORD …] [--seed S] [--tries N] [--jobs N]` prints a table of rows, tries and failures."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import tempfile
import time
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tests.faults.disks import can_mount
from tests.faults.rows import ROWS


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
        for done in as_completed([pool.submit(_run, number, args.seed, args.tries) for number in numbers]):
            failed, text = done.result()
            failures += failed
            print(text, flush=True)
    return 1 if failures else 0


def _run(number: int, seed: int, tries: int | None) -> tuple[int, str]:
    """How many tries of a row failed, and its lines of the table."""
    row = ROWS[number]
    if row.mounts and not can_mount():
        return 0, f"{row.name:42}   left out: mounting small file systems needs root"
    began = time.monotonic()
    done, failed = 0, []
    with tempfile.TemporaryDirectory(prefix="strongroom-faults-") as folder:
        try:
            for wrong in row.tries(Path(folder), random.Random(f"{row.name} {seed}"), row.long if tries is None else tries):
                done += 1
                failed += [wrong] if wrong else []
        except Exception:
            done += 1
            failed.append([traceback.format_exc()])
    lines = [f"{row.name:42}{done:>7}{len(failed):>10}{time.monotonic() - began:>9.0f}"]
    lines += ["    " + "\n    ".join("\n".join(wrong).splitlines()) for wrong in failed]
    return len(failed), "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

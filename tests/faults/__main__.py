"""The long set: `python -m tests.faults [--rows WORD …] [--seed S] [--tries N]` prints a table of rows, tries and failures."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.faults.disks import can_mount
from tests.faults.rows import ROWS, Row


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--rows", nargs="+", metavar="WORD", default=[""], help="only rows whose name has one of these in it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tries", type=int, help="in each row, instead of its own number (0: every step, where a row has steps)")
    args = parser.parse_args()
    print(f"{'row':42}{'tries':>7}{'failures':>10}{'seconds':>9}   seed {args.seed}", flush=True)
    failures = 0
    for row in ROWS:
        if any(word in row.name for word in args.rows):
            failures += _run(row, args.seed, row.long if args.tries is None else args.tries)
    return 1 if failures else 0


def _run(row: Row, seed: int, tries: int) -> int:
    if row.mounts and not can_mount():
        print(f"{row.name:42}   left out: mounting small file systems needs root", flush=True)
        return 0
    began = time.monotonic()
    done, failed = 0, []
    with tempfile.TemporaryDirectory(prefix="strongroom-faults-") as folder:
        try:
            for wrong in row.tries(Path(folder), random.Random(f"{row.name} {seed}"), tries):
                done += 1
                failed += [wrong] if wrong else []
        except Exception:
            done += 1
            failed.append([traceback.format_exc()])
    print(f"{row.name:42}{done:>7}{len(failed):>10}{time.monotonic() - began:>9.0f}", flush=True)
    for wrong in failed:
        print("    " + "\n    ".join("\n".join(wrong).splitlines()), flush=True)
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())

"""One row of the table, in a process of its own."""

from __future__ import annotations

import random
import tempfile
import time
import traceback
from pathlib import Path

from tests.faults.rows import ROWS


def run_row(number: int, seed: int, tries: int | None) -> tuple[int, str]:
    """How many tries of a row failed, and its lines of the table."""
    row = ROWS[number]
    if lacks := row.lacks():
        return 0, f"{row.name:42}   left out: {lacks}"
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

"""How time and memory grow with the number of files, and with their bytes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from typing import Any

from strongroom.usecases.archive.known import RACY_NANOSECONDS
from tests.bench.contestants import FAST, Ours
from tests.bench.machine import describe
from tests.bench.measure import measure
from tests.bench.place import Bench, made_mark, make_corpus, remove
from tests.bench.run import say

_FILE_BYTES = 9000  # of the small corpus, on average
_ROOM = 2.3  # the corpus, its store, tag files and scratch


def grow(bench: Bench, kind: str, sizes: list[int]) -> Iterator[dict[str, Any]]:
    """For each size (`kind` "files": so many small ones; "bytes": so many GiB in files of 1 GiB) a result for the first archive run, one
    without change, a full audit and a restore. What the disk has no room for is left out, and that is said."""
    for size in sizes:
        need = int((size * _FILE_BYTES if kind == "files" else size << 30) * bench.scale * (_ROOM + 1))
        free = shutil.disk_usage(bench.folder).free
        if need > free:
            say(f"growth-{kind}: {size} needs {need / 1e9:.0f} GB, and {free / 1e9:.0f} GB are free: left out")
            continue
        count = max(1, round(size * bench.scale)) if kind == "files" else size
        more = [] if kind == "files" else ["--size", str(max(1 << 20, round((1 << 30) * bench.scale)))]
        corpus = make_corpus(bench.folder / "corpora" / f"growth-{kind}-{count}", "small" if kind == "files" else "large", count, more)
        time.sleep(RACY_NANOSECONDS / 1e9)  # a younger file is read again by the run without change
        ours = Ours(bench, f"growth-{kind}", corpus, FAST)
        ours.fresh()
        machine = describe(bench.folder)
        for work, one in (("archive", ours.archive()), ("unchanged", ours.again()), ("audit", ours.audit()), ("restore", ours.restore())):
            found = measure(one.command, one.env, bench.folder / "log")
            say(f"growth-{kind}: {size}, {work}: {found.wall:.1f} s, {found.memory / 1e6:.0f} MB")
            yield {"row": f"growth-{kind}", "size": size, "work": work, "who": "strongroom", "wall": round(found.wall, 3),
                   "cpu": round(found.cpu, 3), "memory": found.memory, "scale": bench.scale, "machine": machine}
        remove(ours.folder)
        remove(corpus)
        made_mark(corpus).unlink(missing_ok=True)

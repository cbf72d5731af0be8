"""Running one command and measuring it: wall and CPU seconds, and the memory of all its processes."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_EVERY = 0.05  # seconds between two looks at the memory
#: A look costs 5 to 7 ms of CPU where a few processes have 300 MB: 20 times a second is a tenth of a core, which a contestant
#: that leaves one idle does not miss. So this many times as long as it took passes before the next.
_REST = 40


@dataclass(frozen=True)
class Measured:
    """Of one command and all its children. `memory` is the highest sum of their PSS, in bytes, that was seen."""

    wall: float
    cpu: float
    memory: int


class CommandFailedError(Exception):
    """A contestant did not do its work: nothing was measured."""


def measure(command: Sequence[str], env: Mapping[str, str], log: Path, cwd: Path | None = None) -> Measured:
    """Run to its end. What it prints goes to `log`. Raises CommandFailedError with the end of that."""
    with log.open("wb") as out:
        began = time.monotonic()
        process = subprocess.Popen(list(command), env=dict(env), cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        watch = _Watch(process.pid)
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)  # its own and those of every child that was waited for
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.stop()
    if process.returncode != 0:
        end = log.read_text(errors="replace")[-2000:]
        raise CommandFailedError(f"{' '.join(command[:4])} … ended with {process.returncode}:\n{end}")
    return Measured(wall, usage.ru_utime + usage.ru_stime, watch.highest)


class _Watch(threading.Thread):
    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._done = pid, threading.Event()
        self.highest = 0

    def run(self) -> None:
        while True:
            began = time.thread_time()
            self.highest = max(self.highest, sum(_pss(pid) for pid in tree(self._pid)))
            if self._done.wait(max(_EVERY, _REST * (time.thread_time() - began))):
                return

    def stop(self) -> None:
        self._done.set()
        self.join()


def tree(pid: int) -> list[int]:
    """The process and all below it, those that are left."""
    found, at = [pid], 0
    while at < len(found):
        try:
            for task in os.listdir(f"/proc/{found[at]}/task"):
                found += map(int, Path(f"/proc/{found[at]}/task/{task}/children").read_text().split())
        except OSError:
            pass  # it ended meanwhile
        at += 1
    return found


def _pss(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return 0


def cpu_of(pid: int) -> float:
    """CPU seconds that a process and those below it used so far."""
    ticks = 0
    for one in tree(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def size_of(folder: Path) -> int:
    """Bytes of the files below a folder."""
    return sum(os.lstat(os.path.join(parent, name)).st_size for parent, _, names in os.walk(folder) for name in names)

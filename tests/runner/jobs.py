"""Functions for worker processes to carry out: they must be importable by name."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Never

from strongroom.core.errors import RefusedError, StoreFullError, StoreUnreachableError, UsageError
from strongroom.runner.interface import Runner


class Awkward(Exception):
    """Cannot be unpickled, like botocore's ClientError."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(f"{code}: {why}")


#: Seconds of sleep that no test waits for: whoever does was not ended as it should have been.
NAP: Final = 600.0
PATIENCE: Final = 120.0  # seconds until another process must have done its part, however busy the machine is


def double(number: int) -> int:
    return 2 * number


def pid(_: object) -> int:
    time.sleep(0.05)
    return os.getpid()


def modules(_: object) -> list[str]:
    return sorted(sys.modules)


def mark(folder: str) -> Path:
    """Leave a file for this try; returns the folder."""
    place = Path(folder)
    (place / f"{time.monotonic_ns()}-{os.getpid()}").touch()
    return place


def die_once(batch: tuple[str, int]) -> int:
    """Batch 3 kills its worker the first time, with SIGKILL."""
    folder, number = batch
    if number == 3 and len(list(mark(folder).iterdir())) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.02)
    return number


def crash(batch: tuple[str, int]) -> int:
    """Batch 2 reads address 0, as a broken C library does."""
    if batch[1] == 2:
        mark(batch[0])
        ctypes.string_at(0)
    return batch[1]


def leave(_: object) -> Never:
    raise SystemExit(7)


def fail(folder: str) -> Never:
    mark(folder)
    raise ValueError("no good")


def fail_awkwardly(_: object) -> Never:
    raise Awkward(404, "gone")


def refuse(folder: str) -> Never:
    mark(folder)
    raise RefusedError("refused")


def fill(folder: str) -> Never:
    mark(folder)
    raise StoreFullError("no space")


def misuse(folder: str) -> Never:
    mark(folder)
    raise UsageError("misused")


def unreachable_twice(folder: str) -> str:
    if len(list(mark(folder).iterdir())) <= 2:
        raise StoreUnreachableError("no answer")
    return "answered"


def sleep(batch: tuple[str, float]) -> int:
    """Write this worker's pid, then sleep."""
    folder, seconds = batch
    Path(folder, str(os.getpid())).touch()
    time.sleep(seconds)
    return os.getpid()


def meet(folder: str) -> int:
    """Answer when two processes have come here."""
    Path(folder, str(os.getpid())).touch()
    until(lambda: len(os.listdir(folder)) >= 2)
    return os.getpid()


def sleep_first(folder: str) -> int:
    """The first try sleeps; the pid of the second."""
    if len(list(mark(folder).iterdir())) == 1:
        time.sleep(NAP)
    return os.getpid()


def kill_dask_worker(folder: str) -> Never:
    """End the Dask worker that began this process, and this process with it."""
    mark(folder)
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(NAP)
    raise AssertionError


def wait_for(file: str) -> str:
    """Answer when the file is there."""
    until(Path(file).exists)
    return file


@dataclass(eq=False)
class Answer:
    """A result that Python can tell the end of."""

    number: int


def answer(batch: tuple[int, str]) -> Answer:
    """Batch 1 answers when the file is there."""
    number, file = batch
    if number == 1:
        wait_for(file)
    return Answer(number)


def drop_each(runner: Runner, file: Path, count: int) -> int:
    """Take that many results and keep none. Batch 1 answers only once nobody has what batch 0 gave: if somebody has, it fails."""
    taken = 0
    for result in runner.map("answer", answer, [(number, str(file)) for number in range(count)], retries=0):
        taken += 1
        if result.number == 0:
            weakref.finalize(result, file.touch)
        del result
    return taken


def setting(name: str) -> str | None:
    return os.environ.get(name)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not in {PATIENCE:g} s")
        time.sleep(0.01)


def fail_first(batch: tuple[str, int]) -> int:
    """Batch 1 fails once another is under way."""
    if batch[1] == 1:
        until(lambda: bool(os.listdir(batch[0])))
        raise ValueError("the first one")
    return sleep((batch[0], NAP))


def unpicklable(_: object) -> object:
    return lambda: None


def noisy(_: object) -> str:
    print("this must not reach standard output")
    return "done"


def big(size: int) -> bytes:
    return b"x" * size

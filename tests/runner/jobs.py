"""Functions for worker processes to carry out: they must be importable by name."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from pathlib import Path
from typing import Never

from strongroom.core.errors import RefusedError, StoreUnreachableError, UsageError


class Awkward(Exception):
    """Cannot be unpickled, like botocore's ClientError."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(f"{code}: {why}")


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


def fail_first(batch: tuple[str, int]) -> int:
    if batch[1] == 1:
        time.sleep(0.3)
        raise ValueError("the first one")
    return sleep((batch[0], 60))


def unpicklable(_: object) -> object:
    return lambda: None


def noisy(_: object) -> str:
    print("this must not reach standard output")
    return "done"


def big(size: int) -> bytes:
    return b"x" * size

"""Hostile inputs in a child process with limits of time and memory. What one does to it costs that one, and no other."""

from __future__ import annotations

import os
import pickle
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

Item = TypeVar("Item")

_LENGTH: Final = 8  # bytes before each answer


@dataclass(frozen=True, slots=True)
class Limits:
    seconds: float = 60.0  # of the processor's time, for one item: a machine that is busy with other things changes no result
    waiting: float = 900.0  # seconds by the clock, for one that waits for something
    memory: int = 1 << 30  # bytes more than the process has when it begins


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing came of an item."""

    why: str  # "it took longer than 60 s", "it needs more than 1.0 GiB of memory", "signal 11", "PdfReadError: …"


def each(function: Callable[[Item], Any], items: Sequence[Item], limits: Limits) -> Iterator[Any]:
    """`function(item)` for each, in order; Failed in place of the result where it raised, died or went over its limits.

    Runs in a child of this process, which begins anew after an item that ended it: that costs some milliseconds.
    """
    done = 0
    while done < len(items):
        for answer in _in_a_child(function, items[done:], limits):
            yield answer
            done += 1


def _in_a_child(function: Callable[[Item], Any], items: Sequence[Item], limits: Limits) -> Iterator[Any]:
    """Answers until the first item that ends the child, that one's included."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _work(function, items, writing, limits)
    os.close(writing)
    answered = 0
    why = None
    try:
        while answered < len(items):
            answer = _receive(reading, time.monotonic() + limits.waiting)
            if isinstance(answer, str):
                why = answer
                break
            answered += 1
            yield pickle.loads(answer)  # noqa: S301 -- from our own child
    finally:
        os.close(reading)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if why == "late":
        yield Failed(f"it did not end within {limits.waiting:g} s")
    elif why is not None and status == -signal.SIGPROF:
        yield Failed(f"it took longer than {limits.seconds:g} s")
    elif why is not None:
        yield Failed(f"signal {-status}" if status < 0 else f"exit status {status}")


def _receive(descriptor: int, deadline: float) -> bytes | str:
    """One answer; "late", or "ended" where the child ended."""
    head = _exactly(descriptor, _LENGTH, deadline)
    return head if isinstance(head, str) else _exactly(descriptor, int.from_bytes(head), deadline)


def _exactly(descriptor: int, size: int, deadline: float) -> bytes | str:
    parts: list[bytes] = []
    while size:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            return "late"
        part = os.read(descriptor, min(size, 1 << 20))
        if not part:
            return "ended"
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _work(function: Callable[[Item], Any], items: Sequence[Item], writing: int, limits: Limits) -> None:
    """In the child; never returns."""
    try:
        os.closerange(3, writing)  # what this process talks to others by is not the child's: they must see when this process ends
        os.closerange(writing + 1, 1 << 16)
        _limit(limits)
        for number in (signal.SIGALRM, signal.SIGPROF):
            signal.signal(number, signal.SIG_DFL)  # which is to end
        for item in items:
            signal.setitimer(signal.ITIMER_PROF, limits.seconds)
            signal.alarm(int(limits.waiting) + 10)  # should the parent be gone
            try:
                answer = function(item)
            except MemoryError:
                answer = Failed(f"it needs more than {limits.memory / (1 << 30):.1f} GiB of memory")
            except RecursionError:
                answer = Failed("it is nested too deeply")
            except Exception as error:
                answer = Failed(f"{type(error).__name__}: {error}"[:200])
            data = pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)
            os.write(writing, len(data).to_bytes(_LENGTH))
            view = memoryview(data)
            while view:
                view = view[os.write(writing, view) :]
    finally:
        os._exit(0)


def _limit(limits: Limits) -> None:
    import resource  # noqa: PLC0415 -- in the child only

    with suppress(OSError, ValueError):
        with open("/proc/self/statm", "rb") as statm:
            now = int(statm.read().split()[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        most = now + limits.memory
        resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

"""Batches handed to workers, wherever those are, and tried again where that helps."""

from __future__ import annotations

import pickle
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from itertools import islice
from typing import Any, Final

from strongroom.core.errors import RefusedError, StoreFullError, StoreUnreachableError, StrongroomError, UsageError
from strongroom.core.findings import printable
from strongroom.runner.interface import Batch, Result

#: A batch may kill this many workers, whatever `retries` says: the system may have killed the first for want of memory.
DEATHS_ALLOWED: Final = 3
#: Seconds before the first retry after StoreUnreachableError; each further pause is PAUSE_GROWTH times as long.
FIRST_PAUSE: Final = 1.0
PAUSE_GROWTH: Final = 4


class WorkerDiedError(StrongroomError):
    """A batch killed each worker it was given to."""


class StoppedError(StrongroomError):
    """The pool or the map was stopped while this batch waited or ran."""


class DeathError(Exception):
    """What carried out a batch ended before the batch did; how."""


class Job:
    """One `map` under way: what has to be ended when it is."""

    def __init__(self) -> None:
        self.stopped = threading.Event()


class Pool(ABC):
    """Up to `workers` batches at once. Safe to use from several threads."""

    #: Whether workers may be on other machines, which see what all share and nothing else.
    afar = False

    def __init__(self, workers: int, *, first_pause: float = FIRST_PAUSE, tell: Callable[[str], None] = lambda _: None) -> None:
        """`first_pause` is in seconds. `tell` gets a line for each retry, from any thread."""
        self.workers = workers
        self._first_pause = first_pause
        self._tell = tell
        self._free = threading.Semaphore(workers)
        self._lock = threading.Lock()  # guards what follows, and what implementations keep
        self._jobs: set[Job] = set()
        self._closed = False

    @abstractmethod
    def _call(self, job: Job, data: bytes) -> tuple[bool, Any]:
        """Have the pickled (function, batch) carried out: (True, result) or (False, exception). Raises DeathError, StoppedError if the job
        was stopped, and StrongroomError where there is nobody to do it."""

    @abstractmethod
    def _end(self, job: Job) -> None:
        """End what is under way of a job that was stopped."""

    def _check(self, job: Job) -> None:
        """Raises StoppedError if nothing of the job is wanted any more. With the lock held."""
        if self._closed or job.stopped.is_set():
            raise StoppedError("stopped")

    def map(self, name: str, function: Callable[[Batch], Result], batches: Sequence[Batch], *, retries: int = 2) -> Iterator[Result]:
        """As `Runner.map`. Results wait in memory for a slow consumer, but never those of more than 2 × workers batches.

        When the iterator is closed, or a batch fails for good, the other batches in flight are killed.
        """
        if not batches:
            return
        job = Job()
        with self._lock:
            self._jobs.add(job)
        numbered = enumerate(batches, 1)

        def start(count: int) -> set[Future[Result]]:
            return {
                executor.submit(self._try_batch, job, f"batch {number} of {len(batches)} of “{name}”", function, batch, retries)
                for number, batch in islice(numbered, count)
            }

        with ThreadPoolExecutor(min(self.workers, len(batches)), thread_name_prefix=f"strongroom {name}") as executor:
            try:
                waiting = start(2 * self.workers)
                while waiting:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    while done:
                        result = done.pop().result()
                        waiting |= start(1)
                        yield result
                        del result  # it may be large, and the next be long in coming
            finally:
                executor.shutdown(wait=False, cancel_futures=True)
                self._stop(job)

    def close(self) -> None:
        """Stop everything: maps under way raise StoppedError, and when this returns nothing of them is left. May be called twice."""
        with self._lock:
            self._closed = True
            jobs = list(self._jobs)
        for job in jobs:
            self._stop(job)

    def __del__(self) -> None:
        """A pool that was forgotten leaves no processes either."""
        with suppress(Exception):
            self.close()

    def _stop(self, job: Job) -> None:
        job.stopped.set()
        with self._lock:
            self._jobs.discard(job)
        self._end(job)

    def _try_batch(self, job: Job, label: str, function: Callable[[Batch], Result], batch: Batch, retries: int) -> Result:
        failures = deaths = 0
        pause = self._first_pause
        data = pickle.dumps((function, batch), pickle.HIGHEST_PROTOCOL)
        while True:
            wait_seconds = 0.0
            try:
                with self._free:
                    succeeded, answer = self._call(job, data)
            except DeathError as death:
                deaths += 1
                if deaths >= max(DEATHS_ALLOWED, retries + 1):
                    raise WorkerDiedError(
                        f"{label} ended its worker process {deaths} times (last: {death}); it is {_describe(batch)}. "
                        "If memory ran out, use fewer --workers; otherwise a library crashes on this input: please report it"
                    ) from None
                self._tell(f"a worker process died in {label} ({death}); trying again")
                continue
            if succeeded:
                result: Result = answer
                return result
            failures += 1
            if failures > retries or isinstance(answer, UsageError | RefusedError | StoreFullError):
                raise answer
            if isinstance(answer, StoreUnreachableError):
                wait_seconds, pause = pause, pause * PAUSE_GROWTH
            self._tell(f"{label} failed ({answer}); trying again" + (f" in {wait_seconds:g} s" if wait_seconds else ""))
            job.stopped.wait(wait_seconds)


def _describe(batch: object) -> str:
    text = printable(repr(batch))
    return text if len(text) <= 200 else text[:200] + "…"

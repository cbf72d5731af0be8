"""Worker processes that outlive a crash among them (docs/decisions/0003-runners.md says why not ProcessPoolExecutor)."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from itertools import islice
from multiprocessing.connection import Connection
from typing import Any, Final

from strongroom.core.errors import RefusedError, StoreFullError, StoreUnreachableError, StrongroomError, UsageError
from strongroom.core.findings import printable
from strongroom.runner.interface import Batch, Result

#: A batch may kill this many workers, whatever `retries` says: the system may have killed the first for want of memory.
DEATHS_ALLOWED: Final = 3
#: Seconds before the first retry after StoreUnreachableError; each further pause is PAUSE_GROWTH times as long.
FIRST_PAUSE: Final = 1.0
PAUSE_GROWTH: Final = 4

# Takes the parent's sys.path before it imports anything of ours; -P keeps modules that lie in the working folder out. The collector looks
# for cycles seldom, as in strongroom.cli.main.
_BOOTSTRAP: Final = """\
import gc, sys
gc.set_threshold(50_000)
from multiprocessing.connection import Connection
connection = Connection(int(sys.argv[1]))
sys.path[:] = connection.recv()
from strongroom.runner.worker import main
main(connection)
"""


class WorkerDiedError(StrongroomError):
    """A batch killed each worker it was given to."""


class StoppedError(StrongroomError):
    """The pool or the map was stopped while this batch waited or ran."""


class _Worker:
    """One process and the socket to it. The process ends when the socket closes, so it cannot outlive this one."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603 -- our own interpreter
                [sys.executable, "-P", "-c", _BOOTSTRAP, str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # standard output may be carrying a JSON document
                process_group=0,  # a terminal's Ctrl-C goes to the parent alone
            )
        self._connection = Connection(ours.detach())
        with suppress(OSError):  # dead already: the first call finds out
            self._connection.send([entry or os.getcwd() for entry in sys.path])

    def call(self, job: bytes) -> tuple[bool, Any]:
        """Raises EOFError or OSError if the process dies."""
        self._connection.send_bytes(job)
        answer: tuple[bool, Any] = pickle.loads(self._connection.recv_bytes())  # noqa: S301 -- from our own child
        return answer

    def how_it_died(self) -> str:
        """Collect a process whose socket has closed, and say what ended it."""
        try:
            status = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "it closed its connection"
        if status >= 0:
            return f"it exited with status {status}"
        name = signal.Signals(-status).name if -status in signal.valid_signals() else f"signal {-status}"
        return f"{name}, perhaps for want of memory" if name == "SIGKILL" else name

    def kill(self) -> None:
        """End the process at once; a call that waits for it in another thread gets EOFError. May be called twice."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.kill()
        self._connection.close()


class _Job:
    """One `map` under way: what has to be ended when it is."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self.busy: set[_Worker] = set()


class Pool:
    """Up to `workers` processes, started when first needed and kept. Safe to use from several threads."""

    def __init__(self, workers: int, *, first_pause: float = FIRST_PAUSE, tell: Callable[[str], None] = lambda _: None) -> None:
        """`first_pause` is in seconds. `tell` gets a line for each retry, from any thread."""
        self.workers = workers
        self._first_pause = first_pause
        self._tell = tell
        self._free = threading.Semaphore(workers)
        self._lock = threading.Lock()  # guards what follows, and _Job.busy
        self._idle: list[_Worker] = []
        self._jobs: set[_Job] = set()
        self._closed = False

    def map(self, name: str, function: Callable[[Batch], Result], batches: Sequence[Batch], *, retries: int = 2) -> Iterator[Result]:
        """As `Runner.map`. Results wait in memory for a slow consumer, but never those of more than 2 × workers batches.

        When the iterator is closed, or a batch fails for good, the other batches in flight are killed.
        """
        if not batches:
            return
        job = _Job()
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
            finally:
                executor.shutdown(wait=False, cancel_futures=True)
                self._stop(job)

    def close(self) -> None:
        """Stop everything: maps under way raise StoppedError, and when this returns no process is left. May be called twice."""
        with self._lock:
            self._closed = True
            jobs = list(self._jobs)
            idle, self._idle = self._idle, []
        for job in jobs:
            self._stop(job)
        for worker in idle:
            worker.close()

    def __del__(self) -> None:
        """A pool that was forgotten leaves no processes either."""
        with suppress(Exception):
            self.close()

    def _stop(self, job: _Job) -> None:
        job.stopped.set()
        with self._lock:
            self._jobs.discard(job)
            for worker in job.busy:
                worker.kill()

    def _try_batch(self, job: _Job, label: str, function: Callable[[Batch], Result], batch: Batch, retries: int) -> Result:
        failures = deaths = 0
        pause = self._first_pause
        data = pickle.dumps((function, batch), pickle.HIGHEST_PROTOCOL)
        while True:
            wait_seconds = 0.0
            try:
                succeeded, answer = self._call(job, data)
            except _DeathError as death:
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

    def _call(self, job: _Job, data: bytes) -> tuple[bool, Any]:
        with self._free:
            worker = self._take(job)
            reusable = False
            try:
                answer = worker.call(data)
                reusable = True
            except (EOFError, OSError):
                if job.stopped.is_set():
                    raise StoppedError("stopped") from None
                raise _DeathError(worker.how_it_died()) from None
            finally:
                self._give_back(job, worker, reusable=reusable)
            return answer

    def _take(self, job: _Job) -> _Worker:
        with self._lock:  # held while a process starts, so that none starts unseen by close()
            if self._closed or job.stopped.is_set():
                raise StoppedError("stopped")
            worker = self._idle.pop() if self._idle else _Worker()
            job.busy.add(worker)
            return worker

    def _give_back(self, job: _Job, worker: _Worker, *, reusable: bool) -> None:
        with self._lock:
            job.busy.discard(worker)
            if reusable and not self._closed and not job.stopped.is_set():
                self._idle.append(worker)
                return
        worker.close()


class _DeathError(Exception):
    """The worker process ended while it had a batch."""


def _describe(batch: object) -> str:
    text = printable(repr(batch))
    return text if len(text) <= 200 else text[:200] + "…"

"""Worker processes of this machine that outlive a crash among them (docs/decisions/0003-runners.md says why not ProcessPoolExecutor)."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Final

from strongroom.runner.malloc import FOR_WORKERS
from strongroom.runner.pool import FIRST_PAUSE, DeathError, Job, Pool, StoppedError

_LOOK: Final = 0.5  # seconds between two looks whether an answer is still wanted

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


class WorkerProcess:
    """One process and the socket to it. The process ends when the socket closes, so it cannot outlive this one."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603 -- our own interpreter
                [sys.executable, "-P", "-c", _BOOTSTRAP, str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # standard output may be carrying a JSON document
                env={**FOR_WORKERS, **os.environ},
                process_group=0,  # a terminal's Ctrl-C goes to the parent alone
            )
        self._connection = Connection(ours.detach())
        with suppress(OSError):  # dead already: the first call finds out
            self._connection.send([entry or os.getcwd() for entry in sys.path])

    def call(self, job: bytes, wanted: Callable[[], bool] | None = None) -> bytes:
        """The pickled `(True, result)` or `(False, exception)`. Raises EOFError or OSError if the process dies, or is killed because its
        answer is not `wanted` any more."""
        self._connection.send_bytes(job)
        while wanted is not None and not self._connection.poll(_LOOK):
            if not wanted():
                self.kill()
        return self._connection.recv_bytes()

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


class ProcessPool(Pool):
    """Up to `workers` processes of this machine, started when first needed and kept."""

    def __init__(self, workers: int, *, first_pause: float = FIRST_PAUSE, tell: Callable[[str], None] = lambda _: None) -> None:
        super().__init__(workers, first_pause=first_pause, tell=tell)
        self._idle: list[WorkerProcess] = []
        self._busy: dict[Job, set[WorkerProcess]] = {}

    def close(self) -> None:
        super().close()
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()

    def _call(self, job: Job, data: bytes) -> tuple[bool, Any]:
        worker = self._take(job)
        reusable = False
        try:
            answer: tuple[bool, Any] = pickle.loads(worker.call(data))  # noqa: S301 -- from our own child
            reusable = True
        except (EOFError, OSError):
            if job.stopped.is_set():
                raise StoppedError("stopped") from None
            raise DeathError(worker.how_it_died()) from None
        finally:
            self._give_back(job, worker, reusable=reusable)
        return answer

    def _end(self, job: Job) -> None:
        with self._lock:
            for worker in self._busy.pop(job, ()):
                worker.kill()

    def _take(self, job: Job) -> WorkerProcess:
        with self._lock:  # held while a process starts, so that none starts unseen by close()
            self._check(job)
            worker = self._idle.pop() if self._idle else WorkerProcess()
            self._busy.setdefault(job, set()).add(worker)
            return worker

    def _give_back(self, job: Job, worker: WorkerProcess, *, reusable: bool) -> None:
        with self._lock:
            self._busy.get(job, set()).discard(worker)
            if reusable and not self._closed and not job.stopped.is_set():
                self._idle.append(worker)
                return
        worker.close()

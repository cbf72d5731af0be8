"""What a Dask worker does with a batch: it hands it to a process of its own, so that a crash costs that process, as on one machine, and a
batch that nobody wants any more can be ended. Imported by Dask workers, so it imports little."""

from __future__ import annotations

import platform
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from strongroom import __version__
from strongroom.database.postgres.place import VARIABLE as CATALOGUE
from strongroom.database.shared import VARIABLE, doubt, this_machine
from strongroom.runner.processes import WorkerProcess

_ENDING: Final = ("closing", "closed", "failed")  # a worker; one that is retired closes gracefully, and may end its batch before
#: Dask's setting for looking at what its threads do, a hundred times a second.
PROFILER: Final = "distributed.worker.profile.enabled"
_KEPT: Final = 60.0  # seconds for which a process without work waits for more


@dataclass(frozen=True, slots=True)
class Ticket:
    """Of one run: what a worker must have in common with it."""

    run: str
    version: str
    machine: str
    scratch: Path  # where the run's lists lie
    shared: bool  # whether other machines may read them there
    common: bool  # whether other machines may ask its catalogue


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of a batch: its pickled answer, or how its process died, or why this worker cannot take it."""

    answer: bytes = b""
    death: str = ""
    unfit: str = ""


class _Children:
    """The processes of one Dask worker, each kept for the run it began with."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[str, list[tuple[WorkerProcess, threading.Timer]]] = {}
        self._fit: set[str] = set()  # runs that this worker can work for

    def unfit(self, ticket: Ticket) -> str:
        """Why this worker cannot work for the run; "" if it can. Asked of the file system once a run."""
        with self._lock:
            if ticket.run in self._fit:
                return ""
            why = _unfit(ticket)
            if not why:
                self._fit = {*self._idle, ticket.run}  # runs that are over are forgotten
            return why

    def take(self, run: str) -> WorkerProcess:
        with self._lock:
            if self._idle.get(run):
                child, timer = self._idle[run].pop()
                timer.cancel()
                return child
        return WorkerProcess()

    def keep(self, run: str, child: WorkerProcess) -> None:
        timer = threading.Timer(_KEPT, self._drop, (run, child))
        timer.daemon = True
        with self._lock:
            self._idle.setdefault(run, []).append((child, timer))
        timer.start()

    def _drop(self, run: str, child: WorkerProcess) -> None:
        with self._lock:
            kept = self._idle.get(run, [])
            mine = [pair for pair in kept if pair[0] is child]
            self._idle[run] = [pair for pair in kept if pair[0] is not child]
            if not self._idle[run]:
                del self._idle[run]
        for one, _ in mine:
            one.close()

    def end(self, run: str) -> None:
        with self._lock:
            kept = self._idle.pop(run, [])
        for child, timer in kept:
            timer.cancel()
            child.close()


_children: Final = _Children()


def carry_out(data: bytes, ticket: Ticket) -> Carried:
    """Have the pickled (function, batch) carried out. In a thread of a Dask worker."""
    if why := _children.unfit(ticket):
        from distributed import get_worker  # noqa: PLC0415 -- an extra

        return Carried(unfit=f"{get_worker().address}: {why}")
    child = _children.take(ticket.run)
    reusable = False
    try:
        answer = child.call(data, _Wanted())
        reusable = True
    except (EOFError, OSError):
        return Carried(death=child.how_it_died())
    finally:
        if reusable:
            _children.keep(ticket.run, child)
        else:
            child.close()
    return Carried(answer)


def end_processes(run: str) -> None:
    """Those of this process that wait for more work of a run."""
    _children.end(run)


class _Wanted:
    """Whether the task that this thread carries out is still to be done: not cancelled, nor its client gone, nor this worker ending."""

    def __init__(self) -> None:
        from distributed import get_worker  # noqa: PLC0415 -- an extra

        self._worker = get_worker()
        self._key = self._worker.get_current_task()

    def __call__(self) -> bool:
        task = self._worker.state.tasks.get(self._key)
        return task is not None and task.state in ("executing", "long-running") and self._worker.status.name not in _ENDING


def _has_profiler() -> bool:
    from distributed import get_worker  # noqa: PLC0415 -- an extra

    return "profile" in get_worker().periodic_callbacks


def _unfit(ticket: Ticket) -> str:
    if sys.version_info < (3, 12) and _has_profiler():
        return (f"it has Python {platform.python_version()}, which Dask's profiler can stop for ever (CPython's issue 106883). Start it "
                "with DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED=false in its environment, or with Python 3.12")
    if ticket.version != __version__:
        return f"it has Strongroom {__version__}, and the run {ticket.version}; install the same on both"
    if ticket.machine != this_machine() and not ticket.shared:
        return (f"it is on another machine, where {ticket.scratch} is another folder. Let {VARIABLE} name one of a network file "
                "system that all machines see under the same path")
    if ticket.machine != this_machine() and not ticket.common:
        return f"it is on another machine, and the run's catalogue is a file of one. Let {CATALOGUE} name one in PostgreSQL"
    if why := doubt(ticket.scratch):
        return f"{why}. Let {VARIABLE} name a folder that all workers see under the same path"
    return ""

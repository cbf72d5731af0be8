"""Batches carried out by a Dask cluster (docs/decisions/0033-dask.md)."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from strongroom import __version__
from strongroom.core.errors import StrongroomError, UsageError
from strongroom.core.ids import new_id
from strongroom.database.postgres.place import VARIABLE as CATALOGUE
from strongroom.database.shared import hold, shared_scratch, this_machine
from strongroom.durable import cannot_write
from strongroom.runner import on_dask
from strongroom.runner.on_dask import Carried, Ticket, carry_out, end_processes
from strongroom.runner.pool import FIRST_PAUSE, DeathError, Job, Pool, StoppedError, WorkerDiedError

if TYPE_CHECKING:
    from distributed import Client, Future

_CONNECTING: Final = 10  # seconds
_LOOK: Final = 1.0  # seconds between two looks whether the cluster is still there
#: Seconds for which a cluster may have no worker: those that are started anew need some.
PATIENCE = 120.0


class DaskPool(Pool):
    """An existing cluster, or one within this process, which is there to try things out."""

    def __init__(
        self, workers: int | None, scheduler: str | None, scratch: Path, *, first_pause: float = FIRST_PAUSE,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`workers`: batches at once at most (None: as many as an existing cluster has threads); `scheduler`: its address; `scratch`:
        where runs keep their lists. Raises UsageError without Dask, StrongroomError if the cluster does not answer or has no worker."""
        self._stack = ExitStack()
        self._futures: dict[Job, set[Future[Carried]]] = {}
        self._watch = threading.Lock()
        self._looked = self._seen = time.monotonic()
        self.afar = scheduler is not None
        self._where = f"Dask at {scheduler}" if scheduler else "Dask"
        try:
            self._client, threads = self._connect(scheduler, workers)
            self._ticket = self._make_ticket(scratch)
        except BaseException:
            self._stack.close()
            raise
        super().__init__(min(workers or threads, threads), first_pause=first_pause, tell=tell)

    def close(self) -> None:
        if not hasattr(self, "_lock"):  # it never came to be
            return
        super().close()
        self._stack.close()

    def _connect(self, scheduler: str | None, workers: int | None) -> tuple[Client, int]:
        try:
            import dask  # noqa: PLC0415 -- an extra, and slow to import
            import distributed  # noqa: PLC0415
        except ImportError as error:
            why = f"STRONGROOM_RUNNER asks for Dask, which is not installed here ({error}): pip install 'strongroom[dask]'"
            raise UsageError(why) from error
        if not os.environ.get("STRONGROOM_DEBUG"):  # what it has to say of lost connections is said below
            for name in [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "distributed"]:
                logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        try:
            if scheduler is None:
                dask.config.set({on_dask.PROFILER: False})
                scheduler = self._stack.enter_context(distributed.LocalCluster(
                    n_workers=1, threads_per_worker=workers or 1, processes=False,
                    # Without an address its HTTP servers listen on the network, and on 8787: a second run would complain of the first.
                    dashboard_address="127.0.0.1:0", worker_dashboard_address="127.0.0.1:0",
                    memory_limit=0,  # the processes that work are not its own to count
                ))
            else:
                _greet(scheduler)
            client = distributed.Client(scheduler, timeout=_CONNECTING, set_as_default=False, name="strongroom")
            # Without a scheduler there is nobody to take leave of.
            self._stack.callback(lambda: client.close(timeout=_CONNECTING if client.status == "running" else _LOOK))
            client.wait_for_workers(1, timeout=_CONNECTING)
            threads = sum(worker["nthreads"] for worker in client.scheduler_info()["workers"].values())
        except TimeoutError as error:
            raise StrongroomError(
                f"{self._where} has no worker, or does not answer ({error}). Start some with `dask worker ADDRESS`, or correct "
                "STRONGROOM_RUNNER; without it the same work is done by processes of this machine") from error
        except (OSError, ValueError) as error:
            raise StrongroomError(
                f"{self._where} does not answer ({error}). Start it with `dask scheduler`, or correct STRONGROOM_RUNNER; without it the "
                "same work is done by processes of this machine") from error
        return client, threads

    def _make_ticket(self, scratch: Path) -> Ticket:
        try:
            self._stack.callback(hold(scratch).close)
        except OSError as error:
            raise cannot_write(str(scratch), error) from error
        except sqlite3.Error as error:
            raise StrongroomError(f"{scratch}: cannot be locked ({error}); its file system must have locks") from error
        ticket = Ticket(new_id(), __version__, this_machine(), scratch, shared_scratch() is not None, bool(os.environ.get(CATALOGUE)))
        self._stack.callback(end_processes, ticket.run)
        return ticket

    def _call(self, job: Job, data: bytes) -> tuple[bool, Any]:
        with self._lock:
            self._check(job)
            if self._client.status != "running":
                self._lost("the connection to its scheduler broke")
            future = self._client.submit(carry_out, data, self._ticket, key=f"strongroom-{new_id()}")
            self._futures.setdefault(job, set()).add(future)
        try:
            carried = self._wait(job, future)
        finally:
            with self._lock:
                self._futures.get(job, set()).discard(future)
            future.release()
        if carried.unfit:
            raise StrongroomError(f"a Dask worker cannot work for this run. {carried.unfit}")
        if carried.death:
            self._check_unlocked(job)
            raise DeathError(carried.death)
        answer: tuple[bool, Any] = pickle.loads(carried.answer)  # noqa: S301 -- who can reach the cluster can do anything there in any case
        return answer

    def _wait(self, job: Job, future: Future[Carried]) -> Carried:
        # Not future.result(timeout=…), which loses what it waits for if that comes at the last moment.
        waiting = asyncio.run_coroutine_threadsafe(self._client.gather(future, asynchronous=True), self._client.loop.asyncio_loop)
        while not wait([waiting], _LOOK).done:
            self._check_unlocked(job)
            self._look()
        try:
            carried: Carried = waiting.result()
        except CancelledError:
            self._check_unlocked(job)
            self._lost("the connection to its scheduler broke")
        except Exception as error:
            self._check_unlocked(job)
            if type(error).__name__ == "KilledWorker":
                raise WorkerDiedError(
                    f"{self._where}: one worker after another died over the same batch. If memory ran out there, give them more, or fewer "
                    f"threads; their own logs say more ({error})") from error
            if isinstance(error, ImportError | AttributeError | pickle.UnpicklingError):
                self._lost(f"its workers have no Strongroom, or another one: {error}")
            self._lost(f"{type(error).__name__}: {error}")
        return carried

    def _look(self) -> None:
        """Raises StrongroomError if the scheduler is gone, or there was no worker for too long."""
        if self._client.status == "closed":
            self._lost("its scheduler does not answer any more")
        with self._watch:  # one asks for all who wait
            now = time.monotonic()
            if now - self._looked < min(10.0, PATIENCE / 4):
                return
            self._looked = now
            with suppress(OSError, TimeoutError):  # what there is to know of the scheduler, `status` says
                if self._client.scheduler_info(n_workers=1)["n_workers"]:
                    self._seen = time.monotonic()
            if time.monotonic() - self._seen > PATIENCE:
                self._lost(f"for {PATIENCE:g} s there has been no worker")

    def _lost(self, why: str) -> NoReturn:
        raise StrongroomError(f"{self._where}: {why}. What was done is kept: run the same command again when the cluster is there, or "
                              "without STRONGROOM_RUNNER")

    def _check_unlocked(self, job: Job) -> None:
        if job.stopped.is_set():
            raise StoppedError("stopped")

    def _end(self, job: Job) -> None:
        """The workers see that the tasks are wanted no more, and end their processes."""
        with self._lock:
            futures = list(self._futures.pop(job, ()))
        if futures and self._client.status == "running":
            self._client.cancel(futures, force=True)


def _greet(scheduler: str) -> None:
    """Raises OSError or TimeoutError where no scheduler of Dask answers, UsageError without the certificates that TLS needs.

    Dask's client itself waits for ever for the greeting of something else that listens there, its own dashboard for one."""
    from distributed import Security  # noqa: PLC0415 -- an extra
    from distributed.comm import connect  # noqa: PLC0415

    given = Security().get_connection_args("client")
    if scheduler.startswith("tls:") and not given.get("ssl_context"):
        raise UsageError("STRONGROOM_RUNNER=dask+tls://… needs the certificates of the cluster, which Dask's configuration names: "
                         "distributed.comm.tls.ca-file, and client.cert and client.key below it")

    async def greet() -> None:
        comm = await connect(scheduler, timeout=_CONNECTING, **given)
        comm.abort()

    async def briefly() -> None:
        await asyncio.wait_for(greet(), _CONNECTING + _LOOK)

    def alone() -> None:  # the thread that asks may have a loop of its own under way
        asyncio.run(briefly())

    with ThreadPoolExecutor(1, thread_name_prefix="greet") as thread:
        try:
            thread.submit(alone).result()
        except TimeoutError:
            raise OSError("something listens there, and it is no scheduler of Dask: its port is usually 8786") from None
        except (MemoryError, ArithmeticError, LookupError, TypeError) as error:  # of what was taken for the length of a message
            raise OSError(f"what listens there is no scheduler of Dask: its port is usually 8786 ({type(error).__name__})") from error

"""The runner of a command without Prefect: worker processes, here or of a Dask cluster, and progress on standard error."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from strongroom.core.errors import UsageError
from strongroom.core.findings import Finding
from strongroom.runner.choice import Choice, chosen
from strongroom.runner.interface import Batch, Progress, Result
from strongroom.runner.malloc import use_one_arena
from strongroom.runner.pool import FIRST_PAUSE, Pool
from strongroom.runner.processes import ProcessPool
from strongroom.runner.progress import FindingPrinter, choose_display


class LocalRunner:
    """Implements `interface.Runner`. A context manager; leaving it ends the worker processes, as does losing it."""

    def __init__(
        self, workers: int | None = None, *, quiet: bool = False, first_pause: float = FIRST_PAUSE, scratch: Path | None = None
    ) -> None:
        """`workers`: how many processes, by default one for each CPU this process may use, or each thread of an existing Dask cluster.
        `quiet`: no progress, messages or notes.

        `first_pause`: seconds before the first retry when a store cannot be reached. `scratch`: where runs keep their lists
        (Context.scratch_folder); then STRONGROOM_RUNNER has its say, and without it workers are processes of this machine. Raises
        UsageError if `workers` is below 1 or STRONGROOM_RUNNER no runner, StrongroomError if its cluster is not there.
        """
        if workers is not None and workers < 1:
            raise UsageError(f"{workers} workers can do nothing; give 1 or more")
        use_one_arena()
        self.display = choose_display(quiet=quiet)
        self._pause = first_pause
        self.pool = self._pool(workers, Choice() if scratch is None else chosen(), scratch or Path())
        self._here = None if self.pool.afar else self.pool
        self._findings = FindingPrinter(self.display, quiet=quiet)

    @property
    def workers(self) -> int:
        return self.pool.workers

    @property
    def afar(self) -> bool:
        return self.pool.afar

    def pool_for(self, *, here: bool) -> Pool:
        """Who carries out batches, `here` on this machine."""
        if not here:
            return self.pool
        if self._here is None:
            self._here = ProcessPool(min(self.workers, usable_cpus()), first_pause=self._pause, tell=self.display.say)
        return self._here

    def _pool(self, workers: int | None, choice: Choice, scratch: Path) -> Pool:
        if not choice.dask:
            return ProcessPool(workers or usable_cpus(), first_pause=self._pause, tell=self.display.say)
        from strongroom.runner.dask_pool import DaskPool  # noqa: PLC0415 -- only who uses it pays for it

        if choice.scheduler is None:
            workers = workers or usable_cpus()
        return DaskPool(workers, choice.scheduler, scratch, first_pause=self._pause, tell=self.display.say)

    def stage(self, name: str, *, files: int | None = None, size: int | None = None) -> AbstractContextManager[Progress]:
        return self.display.stage(name, files=files, size=size)

    def map(
        self, name: str, function: Callable[[Batch], Result], batches: Sequence[Batch], *, retries: int = 2,
        files: int | None = None, size: int | None = None, weigh: Callable[[Result], tuple[int, int]] | None = None, here: bool = False,
    ) -> Iterator[Result]:
        with self.map_stage(name, len(batches), files=files, size=size, weighed=weigh is not None) as progress:
            for result in self.pool_for(here=here).map(name, function, batches, retries=retries):
                progress.advance(*(weigh(result) if weigh else (1, 0)))
                yield result
                del result  # as in Pool.map

    def map_stage(
        self, name: str, batches: int, *, files: int | None, size: int | None, weighed: bool
    ) -> AbstractContextManager[Progress]:
        """The display of a map: files and bytes where results can be weighed, batches otherwise."""
        if weighed:
            return self.display.stage(name, files=files, size=size)
        return self.display.stage(name, files=batches, size=None, unit="batch")

    def finding(self, finding: Finding) -> None:
        self._findings.show(finding)

    def say(self, message: str) -> None:
        self.display.say(message)

    def artifact(self, key: str, markdown: str) -> None:
        """There is no place for it here: the command prints its report."""

    def close(self) -> None:
        """End the worker processes. May be called twice."""
        self.pool.close()
        if self._here is not None:
            self._here.close()
        self._findings.close()

    def __enter__(self) -> LocalRunner:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self.close()


def usable_cpus() -> int:
    """CPUs this process may run on, which a container or taskset may have made fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

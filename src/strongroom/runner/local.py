"""The runner of a command without Prefect: worker processes, and progress on standard error."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from types import TracebackType

from strongroom.core.errors import UsageError
from strongroom.core.findings import Finding
from strongroom.runner.interface import Batch, Progress, Result
from strongroom.runner.pool import FIRST_PAUSE, Pool
from strongroom.runner.progress import FindingPrinter, choose_display


class LocalRunner:
    """Implements `interface.Runner`. A context manager; leaving it ends the worker processes, as does losing it."""

    def __init__(self, workers: int | None = None, *, quiet: bool = False, first_pause: float = FIRST_PAUSE) -> None:
        """`workers`: how many processes, by default one for each CPU this process may use. `quiet`: no progress, messages or notes.

        `first_pause`: seconds before the first retry when a store cannot be reached. Raises UsageError if `workers` is below 1.
        """
        if workers is not None and workers < 1:
            raise UsageError(f"{workers} workers can do nothing; give 1 or more")
        self.display = choose_display(quiet=quiet)
        self.pool = Pool(workers or usable_cpus(), first_pause=first_pause, tell=self.display.say)
        self._findings = FindingPrinter(self.display, quiet=quiet)

    @property
    def workers(self) -> int:
        return self.pool.workers

    def stage(self, name: str, *, files: int | None = None, size: int | None = None) -> AbstractContextManager[Progress]:
        return self.display.stage(name, files=files, size=size)

    def map(
        self, name: str, function: Callable[[Batch], Result], batches: Sequence[Batch], *, retries: int = 2,
        files: int | None = None, size: int | None = None, weigh: Callable[[Result], tuple[int, int]] | None = None,
    ) -> Iterator[Result]:
        with self.map_stage(name, len(batches), files=files, size=size, weighed=weigh is not None) as progress:
            for result in self.pool.map(name, function, batches, retries=retries):
                progress.advance(*(weigh(result) if weigh else (1, 0)))
                yield result

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
        self._findings.close()

    def __enter__(self) -> LocalRunner:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self.close()


def usable_cpus() -> int:
    """CPUs this process may run on, which a container or taskset may have made fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

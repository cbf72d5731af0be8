"""The runner of the flows: each stage and each group of batches is a task run, the work is done by the local runner's workers."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice, pairwise
from types import TracebackType
from typing import Any, Final, Generic

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from strongroom.core.errors import StrongroomError
from strongroom.core.findings import Finding, Severity, printable
from strongroom.runner.interface import Batch, Progress, Result
from strongroom.runner.local import LocalRunner
from strongroom.runner.pool import StoppedError
from strongroom.usecases.access import tellable
from strongroom.usecases.context import Context

#: Task runs that one map makes at most. With some five maps a flow this keeps it at tens of task runs, whatever its size.
TASKS_PER_MAP: Final = 12
#: Task runs of a map that are under way at once: enough that the processes never wait for Prefect between two of them.
TASKS_AT_ONCE: Final = 3
_LEVELS: Final = {Severity.ERROR: logging.ERROR, Severity.WARNING: logging.WARNING, Severity.NOTE: logging.INFO}


def task_runner() -> TaskRunner[PrefectFuture[Any]]:
    """For every flow that uses PrefectRunner."""
    runner: TaskRunner[Any] = ThreadPoolTaskRunner(max_workers=TASKS_AT_ONCE + 1)
    return runner


class PrefectRunner:
    """Implements `strongroom.runner.interface.Runner` inside a flow run. A context manager; leaving it ends the processes.

    Task runs have their name and numbers as only parameters, since parameters are kept and shown; results are not kept by Prefect.
    """

    def __init__(self, workers: int | None = None, *, quiet: bool = False) -> None:
        """As LocalRunner. Raises UsageError if `workers` is below 1."""
        self._local = LocalRunner(workers, quiet=quiet, scratch=Context.from_environment().scratch_folder)
        self._log = get_run_logger()

    @property
    def workers(self) -> int:
        return self._local.workers

    @property
    def afar(self) -> bool:
        return self._local.afar

    @contextmanager
    def stage(self, name: str, *, files: int | None = None, size: int | None = None) -> Iterator[Progress]:
        """The work is done in the flow's own thread; its task run waits beside it, and ends as it does."""
        ended = threading.Event()
        failures: list[BaseException] = []

        def stage() -> None:
            ended.wait()
            for failure in failures:
                raise failure

        run = _submit(stage, name)
        try:
            with self._local.stage(name, files=files, size=size) as progress:
                yield progress
        except Exception as error:
            failures.append(error)
            raise
        except BaseException:  # an interrupt is the flow's own, and must not be raised in a task's thread
            failures.append(StoppedError(f"{name} was interrupted"))
            raise
        finally:
            ended.set()
            run.wait()

    def map(
        self, name: str, function: Callable[[Batch], Result], batches: Sequence[Batch], *, retries: int = 2,
        files: int | None = None, size: int | None = None, weigh: Callable[[Result], tuple[int, int]] | None = None, here: bool = False,
    ) -> Iterator[Result]:
        groups = split(batches, TASKS_PER_MAP)
        results: Handover[Result] = Handover(2 * self.workers)

        def start(number: int) -> PrefectFuture[None]:
            def batches_of_group() -> None:
                try:
                    for result in self._local.pool_for(here=here).map(name, function, groups[number - 1], retries=retries):
                        if not results.put(result):
                            return  # nobody wants more: no failure
                        del result  # as in Pool.map: several task runs wait at once, each for its next
                finally:
                    results.end(number)

            return _submit(batches_of_group, name, f" {number}/{len(groups)}" if len(groups) > 1 else "")

        with self._local.map_stage(name, len(batches), files=files, size=size, weighed=weigh is not None) as progress:
            numbers = iter(range(1, len(groups) + 1))
            runs = {number: start(number) for number in islice(numbers, TASKS_AT_ONCE)}
            try:
                while runs:
                    ended, result = results.get()
                    if ended is None:
                        progress.advance(*(weigh(result) if weigh else (1, 0)))
                        yield result
                        del result
                        continue
                    runs.pop(ended).result()  # raises what ended the task run
                    runs |= {number: start(number) for number in islice(numbers, 1)}
            finally:
                results.close()

    def finding(self, finding: Finding) -> None:
        self._local.finding(finding)
        self._log.log(_LEVELS[finding.severity], "%s", finding)

    def say(self, message: str) -> None:
        self._local.say(message)
        self._log.info("%s", printable(message))

    def artifact(self, key: str, markdown: str) -> None:
        try:
            key, markdown = tellable(Context.from_environment(), key, markdown)
        except StrongroomError as error:  # what the run did stands, whatever becomes of its summary
            self._log.warning("%s", printable(f"no summary is kept with this run, since it cannot be known who may see it: {error}"))
            return
        create_markdown_artifact(key=key, markdown=markdown)

    def close(self) -> None:
        """End the worker processes. May be called twice."""
        self._local.close()

    def __enter__(self) -> PrefectRunner:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self.close()


class Handover(Generic[Result]):
    """Results on their way from task threads to the flow's thread: at most `size` wait, and closing it releases whoever puts."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._waiting: deque[tuple[int | None, Any]] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, result: Result) -> bool:
        """Wait for room; False if nobody will take any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._waiting) < self._size)
            if not self._closed:
                self._waiting.append((None, result))
                self._changed.notify_all()
            return not self._closed

    def end(self, number: int) -> None:
        """The task run `number` puts no more."""
        with self._changed:
            self._waiting.append((number, None))
            self._changed.notify_all()

    def get(self) -> tuple[int | None, Any]:
        """`(None, result)`, or `(number, None)` when that task run has put its last."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting)
            item = self._waiting.popleft()
            self._changed.notify_all()
            return item

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def split(batches: Sequence[Batch], most: int) -> list[Sequence[Batch]]:
    """`batches` in order, in at most `most` groups whose sizes differ by one at most.

    >>> split("abcde", 2)
    ['abc', 'de']
    """
    count = min(len(batches), most)
    ends = [-(-len(batches) * number // count) for number in range(count + 1)] if count else []
    return [batches[start:end] for start, end in pairwise(ends)]


def _submit(body: Callable[[], None], name: str, numbers: str = "") -> PrefectFuture[None]:
    run_name = (name + numbers).replace("{", "{{").replace("}", "}}")  # Prefect formats it
    return task(name=name, task_run_name=run_name, persist_result=False, cache_policy=NO_CACHE)(body).submit()

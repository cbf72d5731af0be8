"""Checking records in worker processes that can be killed (metadata.worker says why)."""

from __future__ import annotations

import json
import os
import queue
import select
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Final, TypeVar

from strongroom.collections.explain import Problem
from strongroom.core.canonical import dumps_line
from strongroom.core.errors import StrongroomError, UsageError
from strongroom.core.plural import plural
from strongroom.metadata.record_schema import RecordSchema

T = TypeVar("T")

_BATCH_RECORDS: Final = 200
_BATCH_CHARACTERS: Final = 1 << 19
_MAX_WORKERS: Final = 4
_START_SECONDS: Final = 60.0
#: Records that may take too long before the schema is called unusable.
_MAX_KILLED: Final = 5


class Checker:
    """Checks records against one schema. A context manager: leaving it ends the processes."""

    def __init__(self, schema: RecordSchema, seconds_per_record: float) -> None:
        """Raises UsageError if the schema is none."""
        self._schema = schema
        self._seconds = seconds_per_record
        self._count = min(_MAX_WORKERS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
        self._all: list[_Worker] = []
        self._free: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        for _ in range(self._count):
            worker = _Worker(schema)
            self._all.append(worker)
            self._free.put(worker)
        self._killed = 0
        if schema.supplied:  # a bad schema is an error even where there are no records
            self._all[0].start()

    def __enter__(self) -> Checker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for worker in self._all:
            worker.stop()

    def check(self, items: Iterable[tuple[T, str]]) -> Iterator[tuple[T, list[Problem]]]:
        """The problems of each record, given as (anything, its JSON), in the same order; a few batches are under way at a time."""
        pending: deque[tuple[list[tuple[T, str]], Future[list[list[Problem]]]]] = deque()
        with ThreadPoolExecutor(self._count) as pool:
            for batch in _batches(items):
                pending.append((batch, pool.submit(self._check_batch, [text for _, text in batch])))
                if len(pending) > 2 * self._count:
                    yield from _results(*pending.popleft())
            while pending:
                yield from _results(*pending.popleft())

    def _check_batch(self, texts: list[str]) -> list[list[Problem]]:
        worker = self._free.get()
        try:
            answers: list[list[Problem]] = []
            while len(answers) < len(texts):
                answers.extend(worker.check(texts[len(answers) :], self._seconds))
                if len(answers) < len(texts):
                    worker.stop()
                    answers.append([Problem((), f"a record that can be checked within {self._seconds:g} seconds", "one that cannot")])
                    self._killed += 1
                    if self._killed > _MAX_KILLED:
                        raise UsageError(
                            f"{self._schema.label}: {plural(self._killed, 'record')} could not be checked within {self._seconds:g} seconds "
                            "each; look for a pattern with nested repetition such as (a+)+ in the schema"
                        )
            return answers
        finally:
            self._free.put(worker)


def _batches(items: Iterable[tuple[T, str]]) -> Iterator[list[tuple[T, str]]]:
    batch: list[tuple[T, str]] = []
    size = 0
    for item in items:
        batch.append(item)
        size += len(item[1])
        if len(batch) >= _BATCH_RECORDS or size >= _BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _results(batch: list[tuple[T, str]], future: Future[list[list[Problem]]]) -> Iterator[tuple[T, list[Problem]]]:
    return zip((item for item, _ in batch), future.result(), strict=True)


class _Worker:
    """One process, started when it is needed."""

    def __init__(self, schema: RecordSchema) -> None:
        self._schema = schema
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""

    def start(self) -> None:
        # The child finds the package wherever this process found it: checkout, editable install or wheel.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "strongroom.metadata.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self._buffer = b""
        self._send(dumps_line(dict(self._schema.value)))
        try:
            answer = self._receive(_START_SECONDS)
        except BaseException:
            self.stop()
            raise
        if answer is None:
            self.stop()
            raise StrongroomError("the process that checks metadata did not start; its message stands above")
        if problems := json.loads(answer):
            self.stop()
            raise UsageError("\n".join(f"{self._schema.label}: {problem}" for problem in problems))

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            with self._process:  # closes the pipes and waits
                pass
            self._process = None

    def check(self, texts: list[str], seconds: float) -> Iterator[list[Problem]]:
        """The problems of each record; fewer than records if one took longer than `seconds` or the process died of it."""
        if self._process is None:
            self.start()
        self._send(f"[{','.join(texts)}]")
        for _ in texts:
            answer = self._receive(seconds)
            if answer is None:
                return
            yield [Problem(tuple(path), expected, found) for path, expected, found in json.loads(answer)]

    def _send(self, line: str) -> None:
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it died; the next _receive says so

    def _receive(self, seconds: float) -> Any:
        """The next line; None if it does not come in time or at all."""
        assert self._process is not None and self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        deadline = time.monotonic() + seconds
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                return None
            data = os.read(descriptor, 1 << 16)
            if not data:
                return None
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line

"""The stages of a run, shown by the runner and timed for the report."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from strongroom.runner.interface import Progress, Runner


class Stages:
    """Times every stage, in seconds of wall clock; a stage that runs twice counts together."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[Progress]:
        with self.timed(name), self._runner.stage(name) as progress:
            yield progress

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

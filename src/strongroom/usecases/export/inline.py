"""A runner that does each batch here and now: for small work in the middle of a stage, which may not hold another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from strongroom.core.errors import RefusedError, UsageError
from strongroom.core.findings import Finding
from strongroom.runner.interface import Batch, Progress, Result, Runner


class InlineRunner:
    """Passes what is to be shown to `outer`, and shows no stages of its own."""

    workers = 1
    afar = False

    def __init__(self, outer: Runner) -> None:
        self._outer = outer

    @contextmanager
    def stage(self, name: str, *, files: int | None = None, size: int | None = None) -> Iterator[Progress]:
        yield self

    def advance(self, files: int = 0, size: int = 0) -> None:
        """Counted by the stage around it."""

    def map(
        self, name: str, function: Callable[[Batch], Result], batches: Sequence[Batch], *, retries: int = 2,
        files: int | None = None, size: int | None = None, weigh: Callable[[Result], tuple[int, int]] | None = None,
        here: bool = False,
    ) -> Iterator[Result]:
        for batch in batches:
            yield _tried(function, batch, retries)

    def finding(self, finding: Finding) -> None:
        self._outer.finding(finding)

    def say(self, message: str) -> None:
        self._outer.say(message)

    def artifact(self, key: str, markdown: str) -> None:
        self._outer.artifact(key, markdown)


def _tried(function: Callable[[Batch], Result], batch: Batch, retries: int) -> Result:
    for _ in range(retries):
        try:
            return function(batch)
        except (UsageError, RefusedError):
            raise
        except Exception:  # noqa: S112 -- tried again below; the last one is raised
            continue
    return function(batch)

"""What a use case may ask of the engine that runs it. A use case is written once, against this."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from strongroom.core.findings import Finding

Batch = TypeVar("Batch")
Result = TypeVar("Result")


class Progress(Protocol):
    """The progress of one stage."""

    def advance(self, files: int = 0, size: int = 0) -> None:
        """`files` more files and `size` more bytes are done."""


class Runner(Protocol):
    """Maps batches over workers, retries, reports progress, records artifacts."""

    @property
    def workers(self) -> int:
        """How many batches run at once."""

    @property
    def afar(self) -> bool:
        """Whether they may run on other machines, which see stores, shared folders and the run's lists, and nothing else."""

    def stage(self, name: str, *, files: int | None = None, size: int | None = None) -> AbstractContextManager[Progress]:
        """Run a stage in this process ("scan"); the totals, where known, are for the progress bar. Stages do not nest."""

    def map(
        self, name: str, function: Callable[[Batch], Result], batches: Sequence[Batch], *, retries: int = 2,
        files: int | None = None, size: int | None = None, weigh: Callable[[Result], tuple[int, int]] | None = None,
        here: bool = False,
    ) -> Iterator[Result]:
        """`function(batch)` for each batch in worker processes; results as they are done, in any order.

        `function` is a module-level function; it, the batches and the results can be pickled; it may run twice for one batch, and
        then must do no harm. A worker that dies (killed, a crash in a C library) is replaced and its batch tried again. An exception of
        `function` ends the map after `retries` more tries with that exception, unless it is a UsageError or RefusedError, which is
        raised at once. A StoreUnreachableError is retried with growing pauses. `weigh` says how many files and bytes a result stands for.
        `here`: the batches need files of this machine, below STRONGROOM_HOME for instance, and are not sent to others.
        """

    def finding(self, finding: Finding) -> None:
        """Show a finding when it is found. The use case collects them itself."""

    def say(self, message: str) -> None:
        """One line for the person who watches."""

    def artifact(self, key: str, markdown: str) -> None:
        """Keep a summary with the run, where the engine has a place for it. `key` is letters, digits and hyphens."""

"""Progress bars on a terminal, with rich."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from strongroom.core.findings import printable
from strongroom.core.plural import plural
from strongroom.core.sizes import human_size
from strongroom.runner.progress import Meter


class TerminalDisplay:
    """A bar for the stage that runs; a stage that has ended leaves one line behind."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)

    @contextmanager
    def stage(self, name: str, *, files: int | None, size: int | None, unit: str = "file") -> Iterator[Meter]:
        columns = (
            SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[done]}", markup=False),
            TimeElapsedColumn(), TimeRemainingColumn(),
        )
        # Bytes say better than files how long it will take, unless there are next to none.
        total = size or files
        with Progress(*columns, console=self._console, transient=True) as bars:
            meter = _BarMeter(bars, bars.add_task(printable(name), total=total, done=""), unit, by_size=bool(size))
            with meter.told(name, unit, self._print, "✓ ", "✗ "):
                yield meter

    def say(self, message: str) -> None:
        self._print(message)

    def _print(self, line: str) -> None:
        self._console.print(printable(line), markup=False, highlight=False, emoji=False, soft_wrap=True)


class _BarMeter(Meter):
    def __init__(self, bars: Progress, task: TaskID, unit: str, *, by_size: bool) -> None:
        super().__init__()
        self._bars = bars
        self._task = task
        self._unit = unit
        self._by_size = by_size

    def advance(self, files: int = 0, size: int = 0) -> None:
        super().advance(files, size)
        done = plural(self.files, self._unit) + (f", {human_size(self.size)}" if self.size else "")
        self._bars.update(self._task, completed=self.size if self._by_size else self.files, done=done)

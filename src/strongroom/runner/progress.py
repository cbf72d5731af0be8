"""What a person sees of a run, on standard error: bars on a terminal, one line a stage elsewhere, next to nothing when quiet."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, Protocol

from strongroom.core.findings import Finding, Severity, printable
from strongroom.core.plural import plural
from strongroom.core.sizes import human_size
from strongroom.runner.interface import Progress

#: Findings of one code that are shown as they are found; the rest are counted. All of them are in the report.
SHOWN_PER_CODE: Final = 20


class Display(Protocol):
    """Shows stages and messages. Its methods may be called from any thread."""

    def stage(self, name: str, *, files: int | None, size: int | None, unit: str = "file") -> AbstractContextManager[Progress]:
        """Show a stage while it runs; `files` counts whatever `unit` names (one of them), `size` is in bytes. None: not known."""

    def say(self, message: str) -> None: ...


class Meter:
    """Counts what is done. Safe to use from several threads."""

    def __init__(self) -> None:
        self.files = 0
        self.size = 0
        self.started = time.monotonic()
        self._lock = threading.Lock()

    def advance(self, files: int = 0, size: int = 0) -> None:
        with self._lock:
            self.files += files
            self.size += size

    def summary(self, unit: str) -> str:
        """'1,204 files, 35.1 MiB in 2.1 s', or 'done in 2.1 s' if nothing is counted."""
        return f"{self._done(unit) or 'done'} in {self._seconds()}"

    def stopped(self, unit: str) -> str:
        """'stopped after 1,204 files, 35.1 MiB in 2.1 s', or 'stopped after 2.1 s' if nothing was counted."""
        done = self._done(unit)
        return f"stopped after {f'{done} in ' if done else ''}{self._seconds()}"

    @contextmanager
    def told(self, name: str, unit: str, say: Callable[[str], None], done: str = "", cut_off: str = "") -> Iterator[None]:
        """Say how the stage ended, after one of two marks."""
        try:
            yield
        except GeneratorExit:  # whoever took the results of a map has enough of them
            say(f"{done}{name}: {self.summary(unit)}")
            raise
        except BaseException:
            say(f"{cut_off}{name}: {self.stopped(unit)}")
            raise
        say(f"{done}{name}: {self.summary(unit)}")

    def _done(self, unit: str) -> str:
        return ", ".join([plural(self.files, unit)] * bool(self.files) + [human_size(self.size)] * bool(self.size))

    def _seconds(self) -> str:
        return f"{time.monotonic() - self.started:.1f} s"


class LineDisplay:
    """One line a stage, when it ends: for logs and pipes."""

    @contextmanager
    def stage(self, name: str, *, files: int | None, size: int | None, unit: str = "file") -> Iterator[Meter]:
        meter = Meter()
        with meter.told(name, unit, self.say):
            yield meter

    def say(self, message: str) -> None:
        print(printable(message), file=sys.stderr, flush=True)


class QuietDisplay:
    """Shows neither stages nor messages."""

    @contextmanager
    def stage(self, name: str, *, files: int | None, size: int | None, unit: str = "file") -> Iterator[Meter]:
        yield Meter()

    def say(self, message: str) -> None:
        pass


class FindingPrinter:
    """Prints findings as they are found, each once and each code at most SHOWN_PER_CODE times; quiet leaves out the notes."""

    def __init__(self, display: Display, *, quiet: bool) -> None:
        self._print = LineDisplay().say if quiet else display.say
        self._quiet = quiet
        self._seen: Counter[str] = Counter()
        self._shown: set[Finding] = set()
        self._lock = threading.Lock()

    def show(self, finding: Finding) -> None:
        if self._quiet and finding.severity is Severity.NOTE:
            return
        with self._lock:
            if finding in self._shown:  # several steps of a job may meet the same store
                return
            self._seen[finding.code.label] += 1
            if self._seen[finding.code.label] <= SHOWN_PER_CODE:
                self._shown.add(finding)
                self._print(str(finding))

    def close(self) -> None:
        """Say how many were not shown."""
        for label, count in self._seen.items():
            if count > SHOWN_PER_CODE:
                self._print(f"… and {count - SHOWN_PER_CODE:,} more [{label}]; all are in the report (--json)")
        self._seen.clear()
        self._shown.clear()


def choose_display(*, quiet: bool) -> Display:
    """The display for where standard error goes."""
    if quiet:
        return QuietDisplay()
    if sys.stderr is not None and sys.stderr.isatty():
        from strongroom.runner.terminal import TerminalDisplay  # noqa: PLC0415 -- rich takes 0.1 s to import

        return TerminalDisplay()
    return LineDisplay()

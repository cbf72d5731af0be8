"""One page: gather, write, say so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from strongroom.core.findings import Code, Finding
from strongroom.runner.progress import Display
from strongroom.usecases.access import today
from strongroom.usecases.context import Context
from strongroom.usecases.page.attest import load_attestations
from strongroom.usecases.page.figures import Figures
from strongroom.usecases.page.gather import gather
from strongroom.usecases.page.request import PageRequest
from strongroom.usecases.page.write import write
from strongroom.usecases.sealed.collector import Collector


@dataclass(frozen=True, slots=True)
class PageReport:
    file: Path
    size: int  # bytes
    figures: Figures
    findings: tuple[Finding, ...]

    @property
    def exit_status(self) -> int:
        """3 if a bag could not be counted, or a log that was asked for not be read; what the page tells of is no fault of the page."""
        unread = self.figures.log is not None and self.figures.log.unreachable
        return 3 if self.figures.uncounted or unread else 0


def make_page(request: PageRequest, context: Context, display: Display) -> PageReport:
    """Write the page. Raises UsageError (no such collection, wrong attestations), RefusedError (it may not be shown), DestinationError."""
    collector = Collector()
    attestations = load_attestations(request.attestations, today())
    figures = gather(request, context, attestations, collector, display)
    size = write(figures, request.file)
    shown = tuple(one for one in collector.findings() if one.code is not Code.FORKED)
    return PageReport(request.file, size, figures, shown)

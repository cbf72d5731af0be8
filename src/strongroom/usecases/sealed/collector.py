"""Findings as they are collected during a job: shown at once, kept up to a limit, counted beyond it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from strongroom.core.findings import Code, Finding, Severity

#: So many findings of one code are kept with their words; a bag that is damaged throughout has as many as it has files.
KEPT_PER_CODE: Final = 1000


class Collector:
    """Collects findings in bounded memory. `show` is told of each one that is kept."""

    def __init__(self, show: Callable[[Finding], None] | None = None) -> None:
        self._show = show
        self._kept: list[Finding] = []
        self._counts: dict[Code, int] = {}
        self._seen: set[Finding] = set()

    def add(self, finding: Finding, *, shown: bool = False) -> None:
        """Keep `finding`, unless it was said before. `shown`: a job within this one has shown it."""
        if finding in self._seen:
            return
        count = self._counts[finding.code] = self._counts.get(finding.code, 0) + 1
        if count > KEPT_PER_CODE:
            return
        self._seen.add(finding)
        self._kept.append(finding)
        if self._show is not None and not shown:
            self._show(finding)

    def extend(self, findings: Iterable[Finding], *, shown: bool = False) -> None:
        for finding in findings:
            self.add(finding, shown=shown)

    @property
    def has_errors(self) -> bool:
        return any(code.severity is Severity.ERROR for code in self._counts)

    def errors(self) -> set[Code]:
        """The codes of the errors there were."""
        return {code for code in self._counts if code.severity is Severity.ERROR}

    def findings(self) -> tuple[Finding, ...]:
        """What was kept, and for each code of which more occurred one finding that says how many."""
        rest = [
            Finding(code, "and others", f"{count - KEPT_PER_CODE} more of this kind are not listed one by one")
            for code, count in self._counts.items()
            if count > KEPT_PER_CODE
        ]
        return (*self._kept, *rest)

"""The validation report, written as findings come: however many there are, they are not held in memory."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Final

from strongroom.core.canonical import dumps_line
from strongroom.core.findings import Code, Finding, Severity
from strongroom.metadata.issues import Issue

FORMAT: Final = "strongroom-validation/1"
#: Errors, and other findings, that are kept to be shown.
MAX_SHOWN: Final = 5000
#: What RECORD_INVALID, and a missing record where every file must have one, become.
_BY_POLICY: Final = {"flag": None, "refuse": Code.RECORD_REFUSED, "hold": Code.RECORD_HELD}


class Report:
    """Writes canonical JSON: `findings` is the first member by the order of its name, and the others are known at the end."""

    def __init__(self, file: Path, on_invalid: str) -> None:
        self._stream = file.open("w", encoding="utf-8", errors="backslashreplace", newline="\n")
        self._policy = _BY_POLICY[on_invalid]
        self._stream.write('{"findings":[')
        self._totals: Counter[str] = Counter()
        self._shown: dict[bool, list[Finding]] = {True: [], False: []}
        self._order: list[Finding] = []

    def add(self, issue: Issue) -> None:
        code = issue.code
        if self._policy is not None and code in (Code.RECORD_INVALID, Code.FILE_WITHOUT_RECORD):
            code = self._policy
        if self._totals:
            self._stream.write(",")
        self._stream.write(dumps_line(issue.to_json(code)))
        self._totals[code.label] += 1
        shown = self._shown[code.severity is Severity.ERROR]
        if len(shown) < MAX_SHOWN:
            finding = issue.finding(code)
            shown.append(finding)
            self._order.append(finding)

    def close(self, **members: Any) -> None:
        rest = dumps_line({**members, "format": FORMAT, "totals": dict(self._totals)})
        self._stream.write("]," + rest.removeprefix("{") + "\n")
        self._stream.close()

    def discard(self) -> None:
        self._stream.close()

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(self._order)

    @property
    def omitted(self) -> int:
        return self._totals.total() - len(self._order)

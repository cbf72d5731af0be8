"""Issues: findings about records, with the parts of their place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from strongroom.core.findings import Code, Finding


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands."""

    file: str  # below the source, or its bare name outside
    line: int | None = None  # from 1; where a row of a table starts
    row: int | None = None  # as a spreadsheet counts, the header being row 1
    record: int | None = None  # number of the record

    def __str__(self) -> str:
        if self.row is not None:
            same = self.line is None or self.line == self.row
            return f"{self.file}, row {self.row}" + ("" if same else f" (line {self.line})")
        return self.file if self.line is None else f"{self.file}, line {self.line}"


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is not as it should be. `message` is used where expected and found do not say it all."""

    code: Code
    place: Place
    message: str = ""
    column: str | None = None  # "C"
    heading: str | None = None  # what the column is called
    path: str | None = None  # payload path of the file described
    pointer: str | None = None
    expected: str | None = None
    found: str | None = None

    def finding(self, code: Code) -> Finding:
        """The issue as a finding of the kind `code`, which is another than its own where `on_invalid` says so."""
        place = str(self.place)
        if self.column is not None:
            place += f", column {self.column}" + (f" ({self.heading})" if self.heading else "")
        elif self.pointer:
            place += f", {self.pointer}"
        words = f"expected {self.expected}, found {self.found}" if self.expected is not None else ""
        message = "; ".join(part for part in (words, self.message) if part)
        return Finding(code, place, f"{self.path}: {message}" if self.path else message)

    def to_json(self, code: Code) -> dict[str, Any]:
        """A finding of schemas/validation-report.schema.json."""
        parts = {
            "file": self.place.file, "line": self.place.line, "row": self.place.row, "record": self.place.record,
            "column": self.column, "path": self.path, "pointer": self.pointer, "expected": self.expected, "found": self.found,
        }
        return {**self.finding(code).to_json(), **{name: value for name, value in parts.items() if value is not None}}


def column_letters(number: int) -> str:
    """The name a spreadsheet gives to column `number`, counted from 0: 0 → "A", 26 → "AA"."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters

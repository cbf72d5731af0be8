"""Records from a table: metadata.csv in the convention of Archivematica.

The first row names the columns. One of them is `filename`; `dc.title`, `dcterms.created`, `checksum.sha256` and any others
follow. A column that occurs several times is a repeated value: one non-empty cell gives text, several give a list, none
leaves the member out.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from strongroom.core.findings import Code
from strongroom.metadata.issues import Issue, Place, column_letters
from strongroom.metadata.records import MAX_RECORD, Record
from strongroom.metadata.text import Encoding, LineTooLongError, lines

_SEPARATORS: Final = {",": "", ";": "semicolons", "\t": "tabs"}


def read_csv(file: Path, name: str, encoding: Encoding) -> Iterator[Record | Issue]:
    """The rows of `file`, called `name` in issues. Issues that concern no single row come by themselves."""
    csv.field_size_limit(MAX_RECORD)
    separator = _separator(file, encoding)
    if separator is None:
        yield Issue(Code.RECORD_INVALID, Place(name, 1, 1), "no row could be read", pointer="/filename",
                    expected="a column called filename in the first row", found="none (separated by comma, semicolon or tab)")
        return
    if separator != ",":
        yield Issue(Code.RECORD_ENCODING, Place(name, 1, 1), f"separated by {_SEPARATORS[separator]} rather than commas; read as such")
    reader = csv.reader(lines(file, encoding), delimiter=separator, strict=True)
    headings: list[str] | None = None
    row = number = 0
    while True:
        line = reader.line_num + 1
        row += 1
        number += headings is not None
        place = Place(name, line, row, number or None)
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Record(place, None, [Issue(Code.RECORD_INVALID, place, expected="a row of a table", found=_syntax(error))])
            continue
        except LineTooLongError as error:
            yield Record(place, None, [Issue(Code.RECORD_INVALID, place, "nothing after it was read", expected="a row", found=str(error))])
            return
        if headings is None:
            headings = _headings(cells)
        elif any(cell.strip() for cell in cells):
            yield _record(place, headings, cells)
        else:
            number -= 1  # an empty row


def _separator(file: Path, encoding: Encoding) -> str | None:
    """The separator with which the first row has a column `filename`."""
    try:
        first = next(lines(file, encoding), "")
    except LineTooLongError:
        return None
    for separator in _SEPARATORS:
        try:
            if "filename" in _headings(next(csv.reader([first], delimiter=separator), [])):
                return separator
        except csv.Error:
            continue
    return None


def _headings(cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    return ["filename" if name.casefold() == "filename" else name for name in names]


def _record(place: Place, headings: list[str], cells: list[str]) -> Record:
    value: dict[str, Any] = {}
    columns: dict[str, list[int]] = {}
    stray: list[int] = []
    for number, cell in enumerate(cells):
        if not cell.strip():
            continue
        name = headings[number] if number < len(headings) else ""
        if not name:
            stray.append(number)
            continue
        columns.setdefault(name, []).append(number)
        before = value.get(name)
        value[name] = cell if before is None else [*before, cell] if isinstance(before, list) else [before, cell]
    for number, name in enumerate(headings):
        columns.setdefault(name, [number])
    record = Record(place, value, columns=columns)
    for number in stray:
        record.issues.append(Issue(
            Code.RECORD_INVALID, place, "perhaps a separator inside a cell without quotes", column=column_letters(number),
            expected="nothing in a column without a name", found=repr(cells[number][:80]),
        ))
    for name, cell in value.items():
        if "\ufffd" in str(cell):
            record.issue(Code.RECORD_INVALID, member=name, expected="text", found="a byte that is no character")
    return record


def _syntax(error: csv.Error) -> str:
    text = str(error)
    return {
        "unexpected end of data": "a quote that is never closed",
        "field larger than field limit (1048576)": "a cell of more than 1048576 characters, perhaps a quote that is never closed",
    }.get(text, text)

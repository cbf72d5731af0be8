"""Text files as spreadsheets and editors leave them: with byte order marks, or not in UTF-8 at all."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from strongroom.metadata.records import MAX_RECORD

_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Encoding:
    name: str  # as Python calls it
    warning: str | None  # what a person should know about it


class LineTooLongError(ValueError):
    """A line longer than a record may be: the file is not what its name says."""


def detect(file: Path) -> Encoding:
    """How the text in `file` is encoded: UTF-8, UTF-16 if it starts with a byte order mark, else cp1252 (Windows, Western Europe)."""
    with file.open("rb") as stream:
        start = stream.read(4)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return Encoding("utf-16", "UTF-16 (Excel calls it Unicode text); read as such, UTF-8 is better")
        stream.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        line = 1
        try:
            while block := stream.read(_BLOCK):
                decoder.decode(block)
                line += block.count(b"\n")
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            line += error.object.count(b"\n", 0, error.start)
            byte = error.object[error.start]
            return Encoding("cp1252", f"not UTF-8 (byte {byte:#04x} in line {line}); read as cp1252 (Windows). Save it as UTF-8")
    if start.startswith(codecs.BOM_UTF8):
        return Encoding("utf-8-sig", "a byte order mark at the start, which was ignored")
    return Encoding("utf-8", None)


def lines(file: Path, encoding: Encoding) -> Iterator[str]:
    """The lines of `file` with their ends (LF, CR LF, or CR). Bytes that cp1252 does not know become U+FFFD. Raises LineTooLongError."""
    with file.open(encoding=encoding.name, errors="replace", newline="") as stream:
        while line := stream.readline(MAX_RECORD + 1):
            if len(line) > MAX_RECORD:
                raise LineTooLongError(f"a line of more than {MAX_RECORD} characters")
            yield line

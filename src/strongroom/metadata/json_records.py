"""Records from JSON: metadata.jsonl, one object a line, and sidecars, one object a file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from strongroom.collections.explain import shorten
from strongroom.core.canonical import loads
from strongroom.core.errors import InvalidValueError
from strongroom.core.findings import Code
from strongroom.metadata.issues import Issue, Place
from strongroom.metadata.records import MAX_RECORD, Record
from strongroom.metadata.text import Encoding, LineTooLongError, lines

_BOM: Final = b"\xef\xbb\xbf"


def read_jsonl(file: Path, name: str, encoding: Encoding) -> Iterator[Record]:
    """The lines of `file`, called `name` in issues; empty ones are passed over."""
    number = 0
    at = 0
    try:
        for at, line in enumerate(lines(file, encoding), 1):
            if line.strip():
                number += 1
                yield parse_record(line, Place(name, at, None, number))
    except LineTooLongError as error:
        place = Place(name, at + 1, None, number + 1)
        yield Record(place, None, [Issue(Code.RECORD_INVALID, place, "nothing after it was read", expected="a record", found=str(error))])


def parse_record(text: str | bytes, place: Place) -> Record:
    """The record in `text`, which must be a JSON object without duplicate keys, NaN, or deep nesting."""
    try:
        value = loads(text, what="the record")
    except InvalidValueError as error:
        found = str(error).removeprefix("the record: ")
        return Record(place, None, [Issue(Code.RECORD_INVALID, place, expected="a JSON object", found=found)])
    if not isinstance(value, dict):
        return Record(place, None, [Issue(Code.RECORD_INVALID, place, expected="a JSON object", found=shorten(value))])
    return Record(place, value)


def read_sidecar(file: bytes, place: Place, payload_path: str, filename: str, *, sure: bool) -> Record | None:
    """The record in the sidecar `file` about the payload file `payload_path`, whose path below the source is `filename`.

    The member `filename` is set; if it is there it must name that file. None if the sidecar is a guess (`sure` false) and is
    no JSON object. Unreadable files are the scan's to report: they give None as well.
    """
    data = _read(file)
    if data is None:
        return None
    record = parse_record(data.removeprefix(_BOM), place)
    if record.value is None and not sure:
        return None
    record.path = payload_path
    if data.startswith(_BOM):
        record.issue(Code.RECORD_ENCODING, "a byte order mark at the start, which was ignored")
    if record.value is not None:
        given = record.value.setdefault("filename", filename)
        if given not in (filename, f"data/{filename}", f"objects/{filename}", filename.rpartition("/")[2]):
            record.issue(Code.RECORD_INVALID, "a sidecar describes the file it lies beside", pointer="/filename",
                         expected=f"{filename!r} or no filename", found=shorten(given))
        record.value["filename"] = filename
    return record


def _read(file: bytes) -> bytes | None:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        try:
            return stream.read(MAX_RECORD + 1)  # one that was cut is no JSON, and says so
        except OSError:
            return None

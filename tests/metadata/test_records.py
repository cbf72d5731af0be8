"""What is wrong with records is named by cell; what is odd about a file is read anyway, and said."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from strongroom.core.errors import UsageError
from strongroom.core.findings import Code
from strongroom.metadata import ValidationResult

Check = Callable[..., ValidationResult]


def told(result: ValidationResult) -> list[tuple[str, str]]:
    return [(finding.code.label, finding.place) for finding in result.findings]


def records(result: ValidationResult) -> list[dict[str, object]]:
    return [json.loads(line) for line in dict(result.tag_files)["metadata/records/records.jsonl"].read_bytes().splitlines()]


def test_no_records_at_all_is_fine(check: Check) -> None:
    result = check({"a.html": "x"})
    assert (result.records, result.invalid, result.findings, result.tag_files, result.refused) == (0, 0, (), (), False)
    assert list(result.checksums()) == [] and json.loads(result.report.read_bytes())["records"] == 0


def test_names_with_any_prefix_and_repeated_columns(check: Check) -> None:
    rows = "filename,dc.title,dc.subject,dc.subject\nobjects/a,A,x,y\ndata/b,B,x,\nc,C,,\nobjects/d,D,,\n"
    result = check({"metadata.csv": rows, "a": "", "b": "", "c": "", "objects/d": ""})
    assert result.findings == ()
    assert [record["filename"] for record in records(result)] == ["data/a", "data/b", "data/c", "data/objects/d"]
    assert [record.get("dc.subject") for record in records(result)] == [["x", "y"], "x", None, None]


@pytest.mark.parametrize(("data", "places"), [
    ("\ufefffilename,dc.title\na,Ä\n".encode(), [("record-encoding", "metadata.csv")]),
    ("filename,dc.title\na,Ä\n".encode("cp1252"), [("record-encoding", "metadata.csv")]),
    ("filename,dc.title\na,Ä\n".encode("utf-16"), [("record-encoding", "metadata.csv")]),
    ("filename;dc.title\na;Ä\n".encode(), [("record-encoding", "metadata.csv, row 1")]),
    ("filename\tdc.title\r\na\tÄ\r\n".encode(), [("record-encoding", "metadata.csv, row 1")]),
])  # fmt: skip
def test_encodings_and_separators_are_read_and_said(check: Check, data: bytes, places: list[tuple[str, str]]) -> None:
    result = check({"metadata.csv": data, "a": ""})
    assert told(result) == places and result.invalid == 0
    assert records(result) == [{"dc.title": "Ä", "filename": "data/a"}]


@pytest.mark.parametrize(("cell", "heading"), [
    ("44927", "dc.date"), ("1/2/2023", "dc.date"), ("Jan-23", "dc.date"), ("44927", "dcterms.created"), ("3-Feb", "dcterms.created"),
    ("=SUM(A1:A3)", "dc.title"), ("#REF!", "dc.title"), ("9.78E+12", "dc.identifier"),
])  # fmt: skip
def test_what_a_spreadsheet_did_is_named_by_cell(check: Check, cell: str, heading: str) -> None:
    result = check({"metadata.csv": f"filename,{heading}\na,{cell}\n", "a": ""})
    assert [finding.place for finding in result.findings] == [f"metadata.csv, row 2, column B ({heading})"]
    assert "looks like" in result.findings[0].message


def test_rows_without_files_duplicates_and_names_that_escape(check: Check) -> None:
    rows = "filename,dc.title\na,A\nmissing,M\na,again\n../../etc/passwd,P\n/etc/passwd,P\nC:\\x,P\nfolder,a folder\n,no name\n"
    result = check({"metadata.csv": rows, "a": "", "folder/b": ""})
    assert told(result) == [
        ("record-without-file", "metadata.csv, row 3, column A (filename)"),
        ("record-duplicate", "metadata.csv, row 4, column A (filename)"),
        ("record-path", "metadata.csv, row 5, column A (filename)"),
        ("record-path", "metadata.csv, row 6, column A (filename)"),
        ("record-path", "metadata.csv, row 7, column A (filename)"),
        ("record-invalid", "metadata.csv, row 9, column A (filename)"),
    ]
    assert (result.records, result.invalid) == (8, 4)


def test_a_file_in_another_normal_form_is_found_and_said(check: Check) -> None:
    result = check({"metadata.csv": "filename,dc.title\ncafé.html,C\n", "cafe\u0301.html": ""})
    assert told(result) == [("record-encoding", "metadata.csv, row 2, column A (filename)")]
    assert records(result)[0]["filename"] == "data/cafe\u0301.html"


def test_every_file_can_be_asked_for(check: Check) -> None:
    files = {"metadata.csv": "filename,dc.title\na,A\n", "a": "", "b": "", "a.md5": "d41d8cd98f00b204e9800998ecf8427e\n"}
    assert told(check(files, every_file=True)) == [("file-without-record", "data/b")]
    assert check(every_file=True, on_invalid="refuse").refused
    held = check(every_file=True, on_invalid="hold")
    assert list(held.held()) == ["data/b"] and held.findings[0].code is Code.RECORD_HELD


def test_rows_that_cannot_be_read_do_not_hide_the_others(check: Check) -> None:
    result = check({"metadata.csv": 'filename,dc.title\na,"x"y\nb,B,extra\n\nc,C\nd,"never closed\n', **dict.fromkeys("abcd", "")})
    assert told(result) == [
        ("record-invalid", "metadata.csv, row 2"),
        ("record-invalid", "metadata.csv, row 3, column C"),
        ("record-invalid", "metadata.csv, row 6"),
    ]
    assert (result.records, result.invalid) == (4, 3)


def test_a_table_without_filename_is_kept_and_reported(check: Check) -> None:
    files = {"metadata.csv": "name,dc.title\na,A\n", "a": ""}
    flagged = check(files)
    assert told(flagged) == [("record-invalid", "metadata.csv, row 1, /filename")] and not flagged.refused
    assert "metadata/records/metadata.csv" in dict(flagged.tag_files)
    assert check(on_invalid="refuse").refused and check(on_invalid="hold").refused


def test_json_lines(check: Check) -> None:
    lines = [
        '{"filename": "a", "dc.title": "A"}', "", '{"filename": "a", "filename": "b"}', '{"filename": "b", "x": NaN}', "[1]",
        '{"filename": "b", "dc.titel": "B", "dc.language": ["en", "??"]}',
        '{"filename": "b", "x": 1e999}', '{"filename": "b", "x": "\\ud800"}',
        '{"filename": "b", "x": ' + "[" * 200 + "]" * 200 + "}",
    ]  # fmt: skip
    result = check({"metadata.jsonl": "\n".join(lines), "a": "", "b": ""})
    assert told(result) == [
        ("record-invalid", f"metadata.jsonl, line {place}") for place in ("3", "4", "5", "6, /dc.language/1", "6, /dc.titel", "7", "8", "9")
    ]
    assert (result.records, result.invalid) == (8, 7)
    assert "did you mean 'dc.title'?" in result.findings[4].message


def test_sidecars(check: Check) -> None:
    files = {
        "a.html": "", "a.html.json": '{"dc.title": "A"}', "b.html": "", "b.html.metadata.json": '{"dc.date": "someday"}',
        "c.html": "", "c.html.metadata.json": '{"filename": "other.html"}', "app.js": "", "app.js.json": "[1, 2]", "lone.json": "{}",
        "noext": "", "noext.json": "{}",
    }  # fmt: skip
    result = check(files, every_file=False)
    assert [record["filename"] for record in records(result)] == ["data/a.html", "data/b.html", "data/c.html"]
    assert told(result) == [("record-invalid", "b.html.metadata.json, /dc.date"), ("record-invalid", "c.html.metadata.json, /filename")]


def test_two_record_files_are_a_question(check: Check) -> None:
    with pytest.raises(UsageError, match=r"metadata.csv and in metadata/metadata.jsonl"):
        check({"metadata.csv": "filename\n", "metadata/metadata.jsonl": ""})

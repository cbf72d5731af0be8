"""Three bad records in a thousand: exactly those, with place and reason, under each policy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from strongroom.collections.schemas import load_schema
from strongroom.core.findings import Code, Severity
from strongroom.metadata import ValidationResult

Check = Callable[..., ValidationResult]


@pytest.fixture
def thousand(source: Path) -> Path:
    rows = [["filename", "dc.title", "dc.date", "dc.language"]]
    for number in range(1000):
        (source / f"page{number:04}.html").write_text("x")
        rows.append([f"objects/page{number:04}.html", f"Page {number}", "1998-05-31", "en"])
    rows[5][2] = "44927"
    rows[500][3] = "english language"
    rows[1000][2] = "31 May"
    (source / "metadata").mkdir()
    (source / "metadata/metadata.csv").write_text("".join(",".join(row) + "\n" for row in rows))
    return source


BAD = [
    ("metadata/metadata.csv, row 6, column C (dc.date)", "page0004", "44927", "spreadsheet's day number"),
    ("metadata/metadata.csv, row 501, column D (dc.language)", "page0499", "english language", "language tag"),
    ("metadata/metadata.csv, row 1001, column C (dc.date)", "page0999", "31 May", "date such as 1998"),
]


@pytest.mark.parametrize(
    ("policy", "code", "severity"),
    [
        ("flag", Code.RECORD_INVALID, Severity.WARNING),
        ("refuse", Code.RECORD_REFUSED, Severity.ERROR),
        ("hold", Code.RECORD_HELD, Severity.ERROR),
    ],
)
def test_exactly_the_three_bad_records_are_named(thousand: Path, check: Check, policy: str, code: Code, severity: Severity) -> None:
    result = check(on_invalid=policy)
    assert (result.records, result.invalid, result.omitted) == (1000, 3, 0)
    assert [finding.place for finding in result.findings] == [place for place, *_ in BAD]
    for finding, (_, page, found, words) in zip(result.findings, BAD, strict=True):
        assert finding.code is code and finding.severity is severity
        assert page in finding.message and f'found "{found}"' in finding.message and words in finding.message
    assert result.refused is (policy == "refuse")
    expected = ["data/page0004.html", "data/page0499.html", "data/page0999.html"] if policy == "hold" else []
    assert list(result.held()) == expected


def test_the_report_is_valid_and_the_same_every_time(thousand: Path, check: Check) -> None:
    first, second = check(), check()
    assert first.report.read_bytes() == second.report.read_bytes()
    report = json.loads(first.report.read_bytes())
    Draft202012Validator(load_schema("validation-report")).validate(report)
    assert report["totals"] == {"record-invalid": 3}
    assert report["findings"][0]["column"] == "C" and report["findings"][0]["row"] == 6 and report["findings"][0]["pointer"] == "/dc.date"


def test_tag_files_hold_the_records_as_supplied_and_as_read(thousand: Path, check: Check) -> None:
    files = dict(check().tag_files)
    assert sorted(files) == ["metadata/records/metadata.csv", "metadata/records/records.jsonl", "metadata/schema/dublin-core.json"]
    assert files["metadata/records/metadata.csv"].read_bytes() == (thousand / "metadata/metadata.csv").read_bytes()
    lines = files["metadata/records/records.jsonl"].read_bytes().splitlines()
    assert len(lines) == 1000
    assert json.loads(lines[4]) == {"dc.date": "44927", "dc.language": "en", "dc.title": "Page 4", "filename": "data/page0004.html"}
    assert json.loads(files["metadata/schema/dublin-core.json"].read_bytes()) == load_schema("records/dublin-core")

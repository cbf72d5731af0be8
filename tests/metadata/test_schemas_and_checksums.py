"""Supplied schemas can neither reach out nor hang the run; supplied checksums are found in all their usual forms."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from strongroom.core.errors import UsageError
from strongroom.metadata import ValidationResult

Check = Callable[..., ValidationResult]


@pytest.fixture
def schema(tmp_path: Path) -> Callable[..., str]:
    def write(**members: object) -> str:
        file = tmp_path / "my own.schema.json"
        file.write_text(json.dumps(members))
        return str(file)

    return write


ROW = {"metadata.csv": "filename,pages,url\na,7,http://x.org/\nb,seven,no url\n", "a": "", "b": ""}


def test_a_supplied_schema_is_applied_with_formats_and_types(check: Check, schema: Callable[..., str]) -> None:
    result = check(ROW, schema=schema(properties={"pages": {"type": "integer"}, "url": {"type": "string", "format": "uri"}}))
    assert [finding.place for finding in result.findings] == [
        "metadata.csv, row 3, column B (pages)",
        "metadata.csv, row 3, column C (url)",
    ]
    assert "metadata/schema/my-own.json" in dict(result.tag_files)


def test_a_cell_that_has_neither_format_nor_pattern_is_told_once(check: Check) -> None:
    rows = "filename,title,url\na,One,no url\nb,Two,mailto:me@example.org\n"
    result = check({"metadata.csv": rows, "a": "", "b": ""}, schema="web-page")
    assert [(finding.place, finding.message.partition(", found")[0].partition(": expected ")[2]) for finding in result.findings] == [
        ("metadata.csv, row 2, column C (url)", "a URL such as https://example.org/page"),
        ("metadata.csv, row 3, column C (url)", "the URL the file was published at, such as https://example.org/page.html"),
    ]


def test_formats_are_asserted_iris_among_them_without_the_slow_grammar(check: Check, schema: Callable[..., str]) -> None:
    rows = "filename,iri,duration\na,http://példa.hu/ő?q=é,P3Y\nb,no iri,three years\nc,http://x.org/\\,P1D\n"
    own = schema(properties={"iri": {"format": "iri"}, "duration": {"format": "duration"}})
    result = check({"metadata.csv": rows, "a": "", "b": "", "c": ""}, schema=own)
    assert [finding.place for finding in result.findings] == [
        "metadata.csv, row 3, column C (duration)", "metadata.csv, row 3, column B (iri)", "metadata.csv, row 4, column B (iri)",
    ]  # fmt: skip
    code = "import sys, strongroom.metadata.worker; sys.exit('rfc3987_syntax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, check=False).returncode == 0


@pytest.mark.parametrize("reference", ["http://127.0.0.1:9/x.json", "file:///etc/passwd", "other.json", "#/$defs/nothing"])
def test_references_are_never_followed_out(check: Check, schema: Callable[..., str], reference: str) -> None:
    with pytest.raises(UsageError, match="nothing is fetched"):
        check(ROW, schema=schema(properties={"pages": {"$ref": reference}}))


def test_built_in_schemas_may_be_referred_to(check: Check, schema: Callable[..., str]) -> None:
    own = schema(**{"$ref": "https://strongroom.invalid/schemas/records/dublin-core.schema.json"})
    result = check({"metadata.csv": "filename,dc.date\na,nonsense\n", "a": ""}, schema=own)
    assert [finding.place for finding in result.findings] == ["metadata.csv, row 2, column B (dc.date)"]


@pytest.mark.parametrize("members", [
    {"type": "text"}, {"properties": {"a": {"pattern": "("}}}, {"$schema": "http://json-schema.org/draft-07/schema#"},
])  # fmt: skip
def test_a_bad_schema_is_wrong_usage(check: Check, schema: Callable[..., str], members: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="my own"):
        check({"a": ""}, schema=schema(**members))


def test_a_catastrophic_pattern_costs_one_record_its_time_only(check: Check, schema: Callable[..., str]) -> None:
    rows = "filename,dc.title\na,aaa\nb," + "a" * 40 + "!\nc,!\n"
    own = schema(properties={"dc.title": {"type": "string", "pattern": "^(a+)+$"}})
    result = check({"metadata.csv": rows, "a": "", "b": "", "c": ""}, schema=own, seconds=6.0)  # which the others never take
    assert [finding.place for finding in result.findings] == ["metadata.csv, row 3", "metadata.csv, row 4, column B (dc.title)"]
    assert "within 6 seconds" in result.findings[0].message and result.records == 3


def test_a_schema_that_hangs_on_every_record_is_given_up(check: Check, schema: Callable[..., str]) -> None:
    names = [f"f{number}" for number in range(8)]
    rows = "filename,dc.title\n" + "".join(f"{name},{'a' * 40}!\n" for name in names)
    with pytest.raises(UsageError, match="nested repetition"):
        check(
            {"metadata.csv": rows, **dict.fromkeys(names, "")}, schema=schema(properties={"dc.title": {"pattern": "^(a+)+$"}}), seconds=0.2
        )


def test_a_schema_may_ask_for_every_file(check: Check, schema: Callable[..., str]) -> None:
    result = check({"metadata.csv": "filename\na\n", "a": "", "b": ""}, schema=schema(**{"x-strongroom-every-file": True}))
    assert [(finding.code.label, finding.place) for finding in result.findings] == [("file-without-record", "data/b")]


def test_checksums_from_everywhere(check: Check, source: Path) -> None:
    line = "new\nline"
    names = ["a", "b c", line, "sub/d", "objects/e", "f.iso"]
    files: dict[str, bytes | str] = {name: name for name in names}
    md5 = {name: hashlib.md5(name.encode()).hexdigest() for name in names}
    sha = {name: hashlib.sha256(name.encode()).hexdigest() for name in names}
    files |= {
        "metadata.csv": f"filename,checksum.sha256\na,{sha['a'].upper()}\n",
        "metadata/checksum.md5": f"{md5['objects/e']}  ../objects/e\n{md5['a']}  ../../outside\n",
        "manifest-md5.txt": f"{md5['b c']}  data/b c\n{md5[line]}  data/new%0Aline\n{md5['a']}  data/gone\n",
        "SHA256SUMS": f"\\{sha[line]} *new\\nline\nSHA256 (b c) = {sha['b c']}\nnonsense\n",
        "sub/d.sha256": f"{sha['sub/d']}  d\n",
        "f.iso.sha256": f"{sha['f.iso']}\n",
    }  # fmt: skip
    (source.parent / "source.sha256").write_text(f"{sha['sub/d'][:40]}  sub/d\n{sha['a']}  ./a\n")
    result = check(files)
    assert [(item.path, item.algorithm, item.hex) for item in result.checksums()] == [
        ("data/a", "sha256", sha["a"]), ("data/b c", "md5", md5["b c"]), ("data/b c", "sha256", sha["b c"]),
        ("data/f.iso", "sha256", sha["f.iso"]), ("data/new\nline", "md5", md5[line]),
        ("data/new\nline", "sha256", sha[line]), ("data/objects/e", "md5", md5["objects/e"]),
        ("data/sub/d", "sha256", sha["sub/d"]),
    ]  # fmt: skip
    assert sorted((finding.code.label, finding.place) for finding in result.findings) == [
        ("checksum-unknown", "../source.sha256, line 1"), ("checksum-unknown", "SHA256SUMS, line 3"),
        ("checksum-unknown", "manifest-md5.txt, line 3"), ("record-path", "metadata/checksum.md5, line 2"),
    ]  # fmt: skip


def test_a_checksum_in_a_record_must_be_one(check: Check) -> None:
    result = check({"metadata.jsonl": '{"filename": "a", "checksum": {"md5": "xyz", "crc32": "00"}}', "a": ""})
    assert [finding.place for finding in result.findings] == [
        "metadata.jsonl, line 1, /checksum.md5",
        "metadata.jsonl, line 1, /checksum.crc32",
    ]

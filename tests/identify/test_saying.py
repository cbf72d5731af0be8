"""What is said of formats: in the bag, in findings, by `show`, `list --formats` and the catalogue."""

from __future__ import annotations

import io
import json
import random
import zipfile

import pytest

from strongroom.cli.main import main
from strongroom.collections.jsonschemas import Draft202012Validator
from strongroom.collections.schemas import load_schema
from tests.archive.conftest import Site
from tests.fixtures.catalogues import tables


def encrypted_zip() -> bytes:
    """A ZIP whose only member is marked as encrypted, as APPNOTE 4.4.4 has it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr("secret.txt", "x" * 20)
    data = bytearray(buffer.getvalue())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<< /Size 2 /Encrypt 5 0 R >>\nstartxref\n9\n%%EOF\n"


@pytest.fixture
def mixed(site: Site) -> Site:
    site.write("secret.zip", encrypted_zip())
    site.write("locked.pdf", PDF)
    site.write("page.jpg", "<!doctype html><title>not a picture</title><p>")
    site.write("same page.html", "<!doctype html><title>not a picture</title><p>")
    site.write("README.rst", "Words\n=====\n")
    site.write("noise", random.Random(7).randbytes(3000))
    for number in range(9):
        site.write(f"empty {number}", b"")
    return site


def test_each_kind_of_trouble_is_one_finding(mixed: Site) -> None:
    report = mixed.run()
    assert report.exit_status == 0
    said = {finding.code.label: finding for finding in report.findings}
    assert sorted(said) == ["format-empty", "format-encrypted", "format-mismatch", "format-unidentified"] and len(report.findings) == 4
    assert said["format-encrypted"].message.startswith("2 files are encrypted") and "data/locked.pdf" in said["format-encrypted"].message
    assert said["format-mismatch"].message.startswith("1 file is") and said["format-mismatch"].place == "data/page.jpg"
    assert "Hypertext Markup Language 5" in said["format-mismatch"].message
    empty = said["format-empty"].message
    assert empty.startswith("10 files are empty: data/empty, data/empty 0,") and empty.endswith("…")
    assert said["format-unidentified"].place == "data/noise"


def test_the_bag_says_what_each_file_is_and_by_which_signatures(mixed: Site) -> None:
    mixed.run()
    formats = mixed.lines(1, "metadata/formats.jsonl")
    lines = {line["path"]: line for line in mixed.lines(1, "metadata/technical.jsonl")}
    assert lines["data/index.html"]["puid"] == "fmt/471" and lines["data/index.html"]["type"] == "text/html"
    page = formats[lines["data/page.jpg"]["format"] - 1]
    assert page["flags"] == ["extension-mismatch"] and page["files"] == 1 and page["puid"] == "fmt/471"
    assert "flags" not in formats[lines["data/same page.html"]["format"] - 1]  # the same content under another name
    assert sum(line["files"] for line in formats) == len(lines) and all("siegfried" in line["signatures"] for line in formats)
    assert sum(line["bytes"] for line in formats) == sum(line["size"] for line in lines.values())
    assert [line["format"] for line in lines.values()].index(1) == 0  # numbered as they are met
    event = next(one for one in mixed.lines(1, "metadata/events.jsonl") if one["eventType"] == "format identification")
    assert "DROID_SignatureFile" in event["eventDetail"] and "1 is unidentified" in event["eventOutcomeDetailNote"]
    assert "format-encrypted" not in mixed.codes(mixed.run())  # an unchanged collection: nothing new to say


def test_a_second_run_identifies_nothing_again(mixed: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    mixed.run()
    mixed.write("page.jpg", "<!doctype html><title>not a picture</title><p>")  # the same bytes, another time
    mixed.write("new.css", "a{}\n")
    report = mixed.run(reread=True)
    assert report.outcome == "sealed" and report.read_files == report.files
    event = next(one for one in mixed.lines(2, "metadata/events.jsonl") if one["eventType"] == "format identification")
    assert "1 content in this run" in event["eventDetail"]


def test_newer_signatures_judge_what_is_read_again(mixed: Site) -> None:
    mixed.run()
    with tables(mixed.root / mixed.home) as db:
        db.execute("UPDATE verdicts SET signatures = 'libmagic 500', puid = 'fmt/1' WHERE puid = 'fmt/471'")
    mixed.write("new.css", "a{}\n")
    mixed.run(reread=True)
    assert {line["puid"] for line in mixed.lines(2, "metadata/formats.jsonl") if line.get("mime") == "text/html"} == {"fmt/471"}
    event = next(one for one in mixed.lines(2, "metadata/events.jsonl") if one["eventType"] == "format identification")
    assert "5 contents in this run" in event["eventDetail"]  # three pages, one of them under two extensions, and the style sheet


def test_show_and_list_say_it(mixed: Site, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:

    mixed.run()
    monkeypatch.setenv("STRONGROOM_HOME", str(mixed.root / mixed.home))
    for command in (["show", "site"], ["list", "--formats"]):
        assert main(command) == 0
        out = capfd.readouterr().out
        assert "x-fmt/263" in out and "10 empty" in out and "2 encrypted" in out
    for name, command in (("show-report", ["show", "site", "--json"]), ("list-report", ["list", "--formats", "--json"])):
        assert main(command) == 0
        document = json.loads(capfd.readouterr().out)
        assert Draft202012Validator(load_schema(name)).is_valid(document)
        assert sum(one["files"] for one in document["formats"]) == 19
    assert main(["identify", "--json", "--quiet"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert Draft202012Validator(load_schema("identify-report")).is_valid(document) and document["contents"] == 0

"""Records that are flagged, refused or held, supplied checksums, and the report as a document."""

import hashlib
import json

import pytest

from strongroom.collections.jsonschemas import Draft202012Validator
from strongroom.collections.schemas import load_schema
from strongroom.core.errors import UsageError


def many(site, bad=()):
    lines = ["filename,dc.title,dc.date"]
    for number in range(100):
        site.write(f"p/{number:03}.html", f"<p>{number}")
        lines.append(f"p/{number:03}.html,{'' if number in bad else 'Title'},2020-01-01")
    site.write("metadata.csv", "\n".join(lines) + "\n")


@pytest.mark.parametrize("field", ["records: nothing.csv", "schema: dublin-cre"])
def test_what_the_settings_name_and_is_not_there_is_said_with_the_collection_manifest(site, field):
    site.settings = f"metadata: {{{field}}}\n"
    with pytest.raises(UsageError, match=rf"^{site.root}/site\.yaml: metadata\.{field[:7]}"):
        site.run()


WEB = "metadata: {{schema: {schema}, on_invalid: {on_invalid}}}\n"


@pytest.fixture
def strict_schema(site):
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "required": ["dc.title"],
        "properties": {"dc.title": {"type": "string", "minLength": 1}},
    }
    path = site.root / "strict.schema.json"
    path.write_text(json.dumps(schema))
    return path


@pytest.mark.parametrize("on_invalid", ["flag", "refuse", "hold"])
def test_three_bad_records(site, strict_schema, on_invalid):
    many(site, bad=(7, 50, 99))
    site.settings = WEB.format(schema=strict_schema, on_invalid=on_invalid)
    report = site.run()
    places = sorted(finding.place for finding in report.findings if finding.code.label.startswith("record"))
    assert [place.split(",")[1] for place in places] == [" row 101", " row 52", " row 9"]
    assert report.invalid_records == 3
    if on_invalid == "refuse":
        assert (report.outcome, report.exit_status, site.versions()) == ("refused", 1, [])
        assert site.stored() == {}
        assert not list(site.store.glob("bags/*"))
    else:
        assert report.bag == "site/v1"
        payload = site.payload(1)
        assert ("data/p/007.html" in payload) is (on_invalid == "flag")
        assert report.excluded == ({} if on_invalid == "flag" else {"held": 3})
        validation = json.loads((site.bag(1) / "metadata/validation.json").read_bytes())
        assert "007" in json.dumps(validation)
        assert (site.bag(1) / "metadata/records/metadata.csv").read_bytes() == (site.source / "metadata.csv").read_bytes()


@pytest.mark.parametrize("on_invalid", ["flag", "refuse", "hold"])
def test_supplied_checksums_are_compared_with_what_was_read(site, on_invalid):
    data = (site.source / "index.html").read_bytes()
    good, bad = hashlib.md5(data).hexdigest(), "0" * 32
    site.write("metadata.csv", f"filename,checksum.md5\nindex.html,{good}\npages/a.html,{bad}\n")
    site.settings = f"metadata: {{on_invalid: {on_invalid}}}\n"
    report = site.run()
    assert report.exit_status == 1
    assert next(f.message for f in report.findings if f.code.label == "checksum-mismatch").startswith("data/pages/a.html: md5")
    if on_invalid == "refuse":
        assert site.versions() == []
        assert site.stored() == {}
    else:
        assert ("data/pages/a.html" in site.payload(1)) is (on_invalid == "flag")


def test_the_report_is_valid_against_its_schema(site):
    site.write(".DS_Store", b"x")
    validator = Draft202012Validator(load_schema("archive-report"))
    validator.validate(site.run(dry_run=True).to_json())
    validator.validate(site.run().to_json())
    validator.validate(site.run().to_json())
    assert site.run().summary()[0].startswith("site is unchanged since site/v1")

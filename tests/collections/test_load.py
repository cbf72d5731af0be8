"""Collection manifests: what a good one becomes, and that every error is told at once with file, line and field."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from strongroom.collections import CollectionManifest, StoreRef, find, load
from strongroom.collections.model import BucketRef
from strongroom.core.canonical import dumps
from strongroom.core.errors import UsageError
from strongroom.core.retention import Retention

Write = Callable[..., Path]
LEAST = "collection: mysite\nsource: ../site\nstores: [../store]\n"
UUIDS = ("123e4567-e89b-42d3-a456-426614174000", "223e4567-e89b-42d3-a456-426614174000")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def one(text: str | bytes, name: str = "m/mysite.yaml") -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return one


def errors(path: Path) -> list[str]:
    with pytest.raises(UsageError) as caught:
        load(path)
    return [line.replace(str(path.parent) + "/", "") for line in str(caught.value).split("\n")]


def test_three_fields_are_enough(write: Write, tmp_path: Path) -> None:
    manifest = load(write(LEAST))
    assert (manifest.name, manifest.source, manifest.uuid) == ("mysite", tmp_path / "site", None)
    assert manifest.stores == (StoreRef(f"file://{tmp_path}/store"),)
    assert (manifest.mode, manifest.max_loss, manifest.fixity, manifest.identify) == ("snapshot", 0.1, ("sha256", "sha512"), True)
    assert (manifest.metadata.schema, manifest.metadata.on_invalid, manifest.authority) == ("dublin-core", "flag", "strongroom.invalid")
    assert manifest.raw == LEAST.encode() and manifest.document["source"] == "../site" and manifest.document["max_loss"] == "10 %"
    assert json.loads(dumps(manifest.document)) == manifest.document
    assert pickle.loads(pickle.dumps(manifest)) == manifest


def test_everything(write: Write, tmp_path: Path) -> None:
    manifest = load(write(f"""
collection: mysite
source: file://{tmp_path}/a%20site
stores:
  - url: ~/disk
    offline: true
    max_absence_days: 90
  - {{url: "s3://bucket/pre/fix/", endpoint_url: "https://s3.example.org",
     max_bytes: 10 GiB, rate_limit: 5 MB, checksum_mode: when_required, storage_class: DEEP_ARCHIVE,
     retention: {{mode: compliance, days: 3650}}}}
identifiers: [{{type: UUID, value: "urn:uuid:{UUIDS[0]}"}}, {{type: ARK, value: "ark:/12345/x6np1wh8k"}},
  {{type: DOI, value: 10.1234/abc}}, local-7]
agents: [Somebody, {{name: A Library, role: custodian}}]
access: {{level: restricted, embargo_until: 2040-01-31, reason: privacy}}
languages: [no, zh-Hant]
max_loss: 0.125
fixity: [sha512, sha256, md5]
metadata: {{records: ../meta.csv, schema: my.json, on_invalid: hold, every_file: true}}
schedule: "0 3 * * *"
exclude: ["*.tmp", cache/]
"""))  # fmt: skip
    assert manifest.source == tmp_path / "a site" and manifest.uuid == UUIDS[0].replace("-", "")
    assert manifest.stores[0] == StoreRef((Path.home() / "disk").as_uri(), offline=True, max_absence_days=90)
    assert manifest.stores[1] == StoreRef(
        "s3://bucket/pre/fix",
        endpoint_url="https://s3.example.org",
        max_bytes=10 << 30,
        rate_limit=5_000_000,
        checksum_mode="when_required",
        storage_class="DEEP_ARCHIVE",
        retention=Retention("compliance", 3650),
    )
    assert manifest.languages == ("no", "zh-Hant") and manifest.access.embargo_until == "2040-01-31"
    assert manifest.fixity == ("sha256", "sha512", "md5") and manifest.max_loss == 0.125 and manifest.document["max_loss"] == "12.5 %"
    assert manifest.metadata.records == tmp_path / "meta.csv" and manifest.metadata.schema == str(tmp_path / "m/my.json")
    assert [agent.role for agent in manifest.agents] == [None, "custodian"] and manifest.schedule.archive == "0 3 * * *"
    assert manifest.identifiers[3].type == "local"


def test_one_item_is_no_plural(write: Write) -> None:
    (found,) = errors(write("collection: mysite\nsource: ../site\nstores: []\n"))
    assert found.endswith("stores: expected at least 1 item, found []")


def test_all_errors_at_once_with_line_and_field(write: Write) -> None:
    found = errors(
        write(f"""\
collection: my site
sorce: ../site
stores:
  - ftp://x/y
  - {{url: "s3://me:secret@bucket/x", offline: yes}}
access: {{embargo_until: 2023-02-31}}
identifiers: [{{type: DOI, value: xx}}, {{type: UUID, value: {UUIDS[0]}}}, {{type: UUID, value: {UUIDS[1]}}}]
max_loss: 120 %
fixity: [md5]
exclude: ["a[", "!b"]
""")
    )
    fields = [line.split(": ")[:2] for line in found]
    assert fields == [
        ["mysite.yaml:1", "collection"],
        ["mysite.yaml:1", "source"],
        ["mysite.yaml:2", "sorce"],
        ["mysite.yaml:4", "stores[0]"],
        ["mysite.yaml:5", "stores[1].offline"],
        ["mysite.yaml:5", "stores[1].url"],
        ["mysite.yaml:6", "access.embargo_until"],
        ["mysite.yaml:7", "identifiers"],
        ["mysite.yaml:7", "identifiers[0].value"],
        ["mysite.yaml:8", "max_loss"],
        ["mysite.yaml:9", "fixity"],
        ["mysite.yaml:10", "exclude[0]"],
        ["mysite.yaml:10", "exclude[1]"],
    ]
    assert all("expected" in line and "found" in line for line in found)
    assert "did you mean 'source'?" in found[2] and not any("secret" in line for line in found)


@pytest.mark.parametrize(("text", "words"), [
    ("a: &x [1]\nb: *x\n", ["anchor &x", "alias *x"]),
    ("a: 1\nb: 2\na: 3\n", ["again (first in line 1)"]),
    ("a: !!python/object:os.system x\n", ["the tag"]),
    ("a: 1\n---\nb: 2\n", ["second"]),
    ("a: [1\n", ["not YAML"]),
    (b"a: \xff\n", ["expected UTF-8"]),
    ("- a\n", ["expected fields"]),
    ("a: " + "[" * 60 + "]" * 60, ["levels deep"]),
    ("#" * ((1 << 20) + 1), ["at most"]),
])  # fmt: skip
def test_yaml_is_read_strictly(write: Write, text: str | bytes, words: list[str]) -> None:
    found = errors(write(text))
    assert len(found) == len(words) and all(word in line for word, line in zip(words, found, strict=True))


def test_extends(write: Write, tmp_path: Path) -> None:
    write("extends: ../site.yaml\nmetadata: {on_invalid: hold}\nstores: [./disk]\n", "base/b.yaml")
    write("authority: archive.example.org\nmetadata: {schema: web-page}\nexclude: [a, b]\n", "site.yaml")
    manifest = load(write("extends: ../base/b.yaml\ncollection: mysite\nsource: ../site\nexclude: [c]\n"))
    assert manifest.authority == "archive.example.org" and manifest.exclude == ("c",)
    assert (manifest.metadata.schema, manifest.metadata.on_invalid) == ("web-page", "hold")
    assert manifest.stores[0].url == f"file://{tmp_path}/base/disk"  # relative to the file that says so
    assert "extends" not in manifest.document
    write("extends: b.yaml\nsorce: x\n", "site.yaml")
    write("extends: ../site.yaml\n", "base/b.yaml")
    assert "found nothing at" in errors(write("extends: ../base/b.yaml\n"))[0]
    write("extends: base/b.yaml\n", "site.yaml")
    assert "a chain of at most" in errors(write("extends: ../base/b.yaml\n"))[0]


def test_an_error_in_a_base_names_the_base(write: Write) -> None:
    write("max_los: 3 %\n", "m/base.yaml")
    assert errors(write("extends: base.yaml\n" + LEAST)) == [
        "base.yaml:1: max_los: expected a known field, found 'max_los'; did you mean 'max_loss'?"
    ]


@pytest.mark.parametrize("store", ["../site/store", "../site", ".."])
def test_a_store_and_a_source_inside_one_another(write: Write, store: str) -> None:
    assert errors(write(f"collection: a\nsource: ../site\nstores: [{store}]\n"))[0].startswith(
        "mysite.yaml:3: stores[0]: expected a store apart"
    )


def test_sources_of_other_kinds_are_not_supported(write: Write) -> None:
    assert "with two slashes" in errors(write("collection: a\nsource: s3:/bucket/x\nstores: [../s]\n"))[0]
    assert "with two slashes" in errors(write("collection: a\nsource: .\nstores: ['S3:bucket']\n"))[0]
    assert "https:// are not supported" in errors(write("collection: a\nsource: https://x.org/\nstores: [../s]\n"))[0]


def test_find(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(LEAST)
    monkeypatch.chdir(tmp_path)
    assert find(str(file)) == file
    with pytest.raises(UsageError, match=r"manifests/mysite\.yaml"):
        find("mysite")
    monkeypatch.setenv("STRONGROOM_MANIFESTS", str(tmp_path / "m"))
    loaded: CollectionManifest = load(find("mysite"))
    assert loaded.name == "mysite"


@pytest.mark.parametrize("retention", ["30", "{mode: compliance}", "{days: 30}", "{mode: forever, days: 30}", "{mode: compliance, days: 0}",
                                       "{mode: compliance, days: 30, until: 2040-01-01}"])
def test_a_retention_that_is_none(write: Write, retention: str) -> None:
    (found,) = errors(write(f"collection: a\nsource: .\nstores: [{{url: 's3://bucket/x', retention: {retention}}}]\n"))
    assert "retention" in found


def test_a_source_in_a_bucket(write: Write) -> None:
    manifest = load(write("collection: a\nsource: s3://bucket/Papers (2003)/ünï/\nstores: [../s]\n"))
    assert manifest.source == BucketRef("bucket", "Papers (2003)/ünï") and str(manifest.source) == "s3://bucket/Papers (2003)/ünï"
    options = "url: s3://bucket, endpoint_url: 'https://s3.example.org', region: north, rate_limit: 5 MB"
    manifest = load(write(f"collection: a\nsource: {{{options}}}\nstores: [../s]\n"))
    assert manifest.source == BucketRef("bucket", "", "https://s3.example.org", "north", 5_000_000)


@pytest.mark.parametrize(("source", "said"), [
    ("s3://b", "a bucket's name"), ("s3://bucket/a//b", "empty segments"), ("s3://bucket/../b", "empty segments"),
    ("s3://user:secret@bucket/b", "without credentials"), ("{url: ../folder}", "text alone"), ("{region: x}", "required"),
    ("{url: 's3://bucket', storage_class: X}", "a known field"),
])
def test_a_source_in_a_bucket_that_is_none(write: Write, source: str, said: str) -> None:
    (found,) = errors(write(f"collection: a\nsource: {source}\nstores: [../s]\n"))
    assert said in found and "secret" not in found


@pytest.mark.parametrize(("source", "store", "apart"), [
    ("s3://bucket/a", "s3://bucket/a", False), ("s3://bucket/a", "s3://bucket/a/b", False), ("s3://bucket/a/b", "s3://bucket/a", False),
    ("s3://bucket", "s3://bucket/a", False), ("s3://bucket/a", "s3://bucket", False), ("s3://bucket/a", "s3://bucket/ab", True),
    ("s3://bucket/a", "s3://other/a", True), ("{url: s3://bucket/a, endpoint_url: 'https://x.org'}", "s3://bucket/a", True),
    ("{url: s3://bucket/a, endpoint_url: 'https://here.org/'}", "s3://bucket/a", False), ("s3://bucket/a", "../s", True),
])
def test_a_bucket_that_is_source_and_store(write: Write, monkeypatch: pytest.MonkeyPatch, source: str, store: str, apart: bool) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://here.org")
    file = write(f"collection: a\nsource: {source}\nstores: ['{store}']\n")
    if apart:
        assert load(file).stores
    else:
        assert "a store apart from the source" in errors(file)[0]

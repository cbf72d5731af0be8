"""RO-Crate and PREMIS: valid by the standards' own means, and true."""

import json
import os
import subprocess

import pytest
from lxml import etree

from strongroom.usecases.context import Context
from strongroom.usecases.export.request import ExportRequest
from strongroom.usecases.export.run import export
from strongroom.usecases.verify import verify
from tests.export.conftest import STANDARDS, do
from tests.restore.builder import make_store, seal_folder
from tests.restore.conftest import InlineRunner, source

__all__ = ["source"]

PREMIS = {"p": "http://www.loc.gov/premis/v3"}


@pytest.fixture(scope="module")
def schema():
    return etree.XMLSchema(etree.parse(str(STANDARDS / "premis-v3-0.xsd")))


def issues(judges, folder):
    done = subprocess.run(
        [judges / "python", crate_script(), folder], capture_output=True, text=True, check=False, timeout=300,
        env={**os.environ, "HOME": str(folder.parent)})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def crate_script():
    return STANDARDS.parent / "crate.py"


@pytest.mark.slow
def test_both_are_valid_and_say_what_the_manifest_says(lantern, tmp_path, schema, judges):
    report = do(lantern, "out", "dir", ro_crate=True, premis=True)
    assert report.exit_status == 0 and not report.findings and verify(tmp_path / "out").valid
    assert issues(judges, tmp_path / "out") == []
    value = json.loads((tmp_path / "out/ro-crate-metadata.json").read_bytes())
    entities = {one["@id"]: one for one in value["@graph"]}
    root = entities["./"]
    assert root["name"] == "The lantern archive" and root["license"] == {"@id": "https://creativecommons.org/licenses/by/4.0/"}
    assert entities[root["author"]["@id"]]["name"] == "B. Writer"
    assert {one["@id"] for one in root["hasPart"]} <= set(entities) and len(root["hasPart"]) == len(lantern.payload(2))
    document = etree.parse(str(tmp_path / "out/metadata/premis.xml"))
    schema.assertValid(document)
    files = document.xpath("//p:object[p:objectCharacteristics]", namespaces=PREMIS)
    names = (".//p:objectIdentifierValue", ".//p:messageDigest")
    digests = dict(tuple(one.findtext(name, namespaces=PREMIS) for name in names) for one in files)
    lines = (lantern.bag(2) / "manifest-sha256.txt").read_text().splitlines()
    assert digests == {f"site/v2/{line.split('  ', 1)[1]}": line.split("  ", 1)[0] for line in lines}
    puids = [line["puid"] for line in lantern.lines(2, "metadata/technical.jsonl") if "puid" in line]
    assert puids and sorted(document.xpath("//p:formatRegistryKey/text()", namespaces=PREMIS)) == sorted(puids)
    sealed = {one["eventIdentifier"] for one in lantern.lines(2, "metadata/events.jsonl")}
    assert set(document.xpath("//p:eventIdentifierValue/text()", namespaces=PREMIS)) == sealed
    licences = document.xpath("//p:licenseDocumentationIdentifierValue/text()", namespaces=PREMIS)
    assert licences == ["https://creativecommons.org/licenses/by/4.0/"]


@pytest.mark.slow
def test_hostile_names_and_a_manifest_that_says_nothing(tmp_path, source, schema, judges):
    store = make_store(f"file://{tmp_path}/store") if (tmp_path / "store").mkdir() is None else None
    seal_folder(store, source)
    runner = InlineRunner()
    request = ExportRequest("site", tmp_path / "out", "dir", ro_crate=True, premis=True, source=store.url)
    report = export(request, Context(tmp_path / "home"), runner)
    assert report.exit_status == 0 and verify(tmp_path / "out").valid
    unstated = [one.message for one in report.findings if one.code.label == "export-unstated"]
    assert len(unstated) == 3 and any("`license:`" in one for one in unstated)
    document = etree.parse(str(tmp_path / "out/metadata/premis.xml"))
    schema.assertValid(document)
    names = document.xpath("//p:object/p:objectIdentifier/p:objectIdentifierValue/text()", namespaces=PREMIS)
    assert "site/v1/data/100%2525.txt" in names and "site/v1/data/line%0Abreak" in names
    assert issues(judges, tmp_path / "out") == []



"""Intake with a virus scanner: what it finds never reaches a store until a person says so. With the real clamd on this machine."""

from __future__ import annotations

import hashlib
import json
import stat

import pytest

from strongroom.cli.main import main
from strongroom.collections.jsonschemas import Draft202012Validator
from strongroom.collections.schemas import load_schema
from strongroom.core.errors import UsageError
from strongroom.core.findings import Severity
from strongroom.scanning import clamd as scanner
from strongroom.scanning.interface import ScannerError
from tests.archive.conftest import Site
from tests.fixtures.catalogues import tables
from tests.scanning.conftest import Daemon


@pytest.fixture
def screened(site: Site, clamd: Daemon) -> Site:
    site.settings = f"scan: {clamd.socket}\n"
    return site


def events(site: Site, kind: str, version: int = 1) -> list[dict]:
    return [line for line in site.lines(version, "metadata/events.jsonl") if line["eventType"] == kind]


def logged(site: Site, kind: str) -> list[dict]:
    every = [event for path in sorted(site.store.glob("log/*/*.json")) for event in json.loads(path.read_bytes())["events"]]
    return [event for event in every if event["eventType"] == kind]


def codes(report) -> list[str]:
    return sorted(one.code.label for one in report.findings if not one.code.label.startswith("format-"))


def test_hits_are_held_and_left_out_until_they_are_released(
    screened: Site, eicar: bytes, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    digest = hashlib.sha256(eicar).hexdigest()
    screened.write("bad.com", eicar)
    screened.write("deep/again.txt", eicar)
    report = screened.run()
    assert report.outcome == "sealed" and report.exit_status == 1 and codes(report) == ["virus-found"] * 2
    assert {one.place for one in report.findings if one.severity is Severity.ERROR} == {"data/bad.com", "data/deep/again.txt"}
    assert digest not in screened.stored() and "data/bad.com" not in screened.payload(1) and "data/index.html" in screened.payload(1)
    excluded = {line["path"]: line["reason"] for line in screened.lines(1, "metadata/structure.jsonl") if line["kind"] == "excluded"}
    assert excluded == {"data/bad.com": "quarantined", "data/deep/again.txt": "quarantined"}
    folder = screened.root / "home/quarantine"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700 and (folder / digest).read_bytes() == eicar
    (check,) = events(screened, "virus check")
    assert check["eventOutcome"] == "fail" and "ClamAV " in check["eventDetail"] and "4 contents scanned" in check["eventDetail"]
    (held,) = events(screened, "quarantine")
    assert held["linkingObjectIdentifier"] == [f"sha256:{digest}"] and "Test.Eicar" in held["eventDetail"]
    assert len(logged(screened, "quarantine")) == len(logged(screened, "virus check")) == 1

    again = screened.run()  # it lies there still, and nothing changed
    assert again.outcome == "unchanged" and codes(again) == ["virus-found"] * 2 and len(logged(screened, "quarantine")) == 1

    monkeypatch.setenv("STRONGROOM_HOME", str(screened.root / "home"))
    assert main(["quarantine"]) == 0
    out = capfd.readouterr().out
    assert digest in out and "site: data/bad.com" in out and "held" in out
    assert main(["quarantine", "--release", digest]) == 2  # without a reason
    assert main(["quarantine", "--release", "0" * 64, "--reason", "none"]) == 2
    assert main(["quarantine", "--release", digest, "--reason", "a test file of the collection", "--agent", "A. Keeper", "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert Draft202012Validator(load_schema("quarantine-report")).is_valid(document)
    assert document["contents"][0]["released"]["reason"] == "a test file of the collection"

    released = screened.run()
    assert released.outcome == "sealed" and released.exit_status == 0 and codes(released) == ["virus-released"] * 2
    assert screened.payload(2)["data/bad.com"] == eicar
    (let_go,) = events(screened, "unquarantine", 2)
    assert "a test file of the collection" in let_go["eventDetail"] and "A. Keeper" in let_go["linkingAgentIdentifier"]
    assert f"sha256:{digest}" in let_go["linkingObjectIdentifier"] and len(logged(screened, "unquarantine")) == 1


def test_what_is_too_large_for_the_scanner_is_taken_in_and_said(screened: Site) -> None:
    screened.write("large", bytes(9 << 20))  # more than it takes
    report = screened.run()
    assert report.outcome == "sealed" and report.exit_status == 0 and codes(report) == ["not-scanned"]
    finding = next(one for one in report.findings if one.code.label == "not-scanned")
    assert finding.place == "data/large" and "size limit" in finding.message
    (check,) = events(screened, "virus check")
    assert check["eventOutcome"] == "warning" and "1 not scanned" in check["eventOutcomeDetailNote"]
    assert len(screened.payload(1)["data/large"]) == 9 << 20


def test_a_large_hit_is_held_whole(screened: Site, eicar: bytes) -> None:
    data = eicar + b"\n" + bytes(5 << 20)
    screened.write("large", data)
    assert codes(screened.run()) == ["virus-found"]
    digest = hashlib.sha256(data).hexdigest()
    assert (screened.root / "home/quarantine" / digest).read_bytes() == data
    assert digest not in screened.stored() and "data/large" not in screened.payload(1)


def test_each_content_is_scanned_once_for_each_version_of_the_signatures(screened: Site) -> None:
    screened.run()
    screened.write("new", "new")
    screened.run(reread=True)
    assert "1 content scanned" in events(screened, "virus check", 2)[0]["eventDetail"]
    with tables(screened.root / "home") as db:
        db.execute("UPDATE scans SET signatures = 'ClamAV 0.1/1/long ago'")
    screened.write("newer", "newer")
    screened.run(reread=True)
    assert "5 contents scanned" in events(screened, "virus check", 3)[0]["eventDetail"]
    assert events(screened, "virus check", 3)[0]["eventOutcome"] == "success"


def test_what_newer_signatures_find_is_left_out_though_the_store_has_it(site: Site, clamd: Daemon, eicar: bytes) -> None:
    site.write("bad.com", eicar)
    site.run()  # nobody looked
    site.settings = f"scan: 127.0.0.1:{clamd.port}\n"
    report = site.run(reread=True, accept_loss=True)
    assert report.outcome == "sealed" and codes(report) == ["virus-found"] and "data/bad.com" not in site.payload(2)


def test_no_scanner_no_bag(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner, "_PAUSES", (0.0,))
    site.settings = f"scan: {site.root}/absent\n"
    before = sorted(site.store.rglob("*"))
    with pytest.raises(ScannerError) as raised:
        site.run()
    assert raised.value.exit_status == 3 and sorted(site.store.rglob("*")) == before
    assert site.run(dry_run=True).outcome == "planned"


def test_a_scanner_elsewhere_is_wrong(site: Site) -> None:
    site.settings = "scan: 192.0.2.1:3310\n"
    with pytest.raises(UsageError, match="clamd"):
        site.run()

"""Whoever can write to a store can write what audits are said to have found: it stops no audit, and makes nothing true."""

import json

import pytest

from strongroom.core import canonical
from strongroom.core.digests import Digest
from strongroom.stores.describe import open_known_store, read_description
from strongroom.usecases.audit import published
from tests.fixtures.findings import said

NOW, WRITER = "2026-11-23T10:00:00Z", "ab" * 16


def forge(vault, check, seq=1000, **more):
    """Results of an audit that there was not. Their key."""
    store = read_description(open_known_store(vault.url, None)).id
    document = {"format": "strongroom-checks/1", "store": store, "writer": WRITER, "seq": seq, "part": 1,
                "scope": None, "began": NOW, "ended": NOW, "complete": True, "checks": [check]} | more
    key = f"checks/{seq:012d}/{WRITER}-0001.json"
    vault.objects.put(key, json.dumps(document).encode() if "\\ud" in json.dumps(document) else canonical.dumps(document))
    return key


@pytest.mark.parametrize("start", ["log/", "bags/letters/v1/placement.jsonl", "strongroom.json"])
def test_bytes_that_were_changed_do_not_become_right_by_a_result_that_says_so(vault, start):
    vault.audit()
    key = vault.keys(start)[-1]
    old = vault.objects.all()[key]
    new = old.replace(b"2026-", b"2025-") if b"2026-" in old else b"".join(old.splitlines(keepends=True)[:-1])
    vault.objects.put(key, new)
    forge(vault, {"key": key, "outcome": "sound", "seq": 1000, "time": NOW, "size": len(new), "sha256": Digest.of(new).hex})
    report = vault.audit()
    assert report.exit_status == 1
    assert [(finding.code.label, finding.place.rpartition(" ")[2]) for finding in said(report)] == [("object-damaged", key)]


@pytest.mark.parametrize("wrong", [
    {"seq": 10**30}, {"seq": "7"}, {"seq": -1}, {"seq": True}, {"size": 10**30}, {"size": [1]}, {"size": -1}, {"time": "\ud800"},
    {"time": "\x1b[2J"}, {"time": "a\0b"}, {"key": 7}, {"outcome": []}, {"expected": 7},
])
def test_results_that_make_no_sense_are_not_learned_and_stop_no_audit(vault, wrong, monkeypatch):
    vault.audit()
    learned = []
    monkeypatch.setattr(published, "record_checks", lambda *_, **more: learned.append(more))
    forge(vault, {"key": "README.txt", "outcome": "sound", "seq": 2, "time": NOW, "size": 5} | wrong)
    assert vault.audit().stores[0].problem is None and learned == []


@pytest.mark.parametrize("wrong", [
    {"seq": 10**12 - 1}, {"part": 1.5}, {"seq": 7, "writer": "cd" * 16}, {"began": "\x1b[2J"}, {"ended": None}, {"store": "0" * 32},
    {"scope": "\x1b"},
])
def test_a_document_that_is_none_is_damaged_and_numbers_no_audit(vault, wrong):
    vault.audit()
    key = forge(vault, {"key": "README.txt", "outcome": "sound", "seq": 1, "time": NOW}, **wrong)
    report = vault.audit()
    assert [(finding.code.label, finding.place.rpartition(" ")[2]) for finding in said(report)] == [("object-damaged", key)]
    assert report.stores[0].seq < 1000


@pytest.mark.parametrize(("name", "data"), [
    ("content/{large}.pieces", b'{"length":9,"piece":0,"sha256":[]}\n'),
    ("{mark}~1", b'{"attempt":"x","bag":"letters/v1","format":"strongroom-attempt/1","opened":"\\ud800"}\n'),
    ("bags/maps/v1/placement.jsonl~1", b'{"pack":"\\udfff"}\n'),
])
def test_small_objects_that_are_hard_to_read_are_damaged_and_the_rest_is_audited(vault, name, data):
    attempt = json.loads(vault.objects.all()["bags/letters/v1/seal.json"])["attempt"]
    large = vault.keys("content/")[0].removeprefix("content/")
    key = name.format(large=large, mark=f"bags/letters/v1/{attempt}/open")
    vault.objects.put(key, data)
    report = vault.audit()
    assert report.stores[0].problem is None
    assert [finding.place.rpartition(" ")[2] for finding in said(report)] == [key]

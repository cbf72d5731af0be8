"""What audits found lies below `checks/` in the store, whoever found it and whatever went on beside it."""

from __future__ import annotations

import json

import jsonschema
import pytest

from strongroom.catalogue import Catalogue
from strongroom.catalogue.checks import all_checks
from strongroom.collections.schemas import load_schema
from strongroom.core import canonical
from strongroom.core.findings import Code
from strongroom.core.outcomes import CheckOutcome
from strongroom.usecases.audit import one_store


def known(vault):
    """By key the number of the audit and what it found, as the catalogue has it."""
    with Catalogue.open(vault.context.catalogue) as catalogue:
        return {row.key.text: (row.seq, row.outcome) for row in all_checks(catalogue, 1) if row.outcome is not CheckOutcome.NEVER_CHECKED}


def told(vault):
    """The same, as the store has it (docs/format.md, section 9)."""
    found = {}
    for key, data in sorted(vault.objects.all().items()):
        if key.startswith("checks/"):
            jsonschema.validate(json.loads(data), load_schema("checks"))
            for check in json.loads(data)["checks"]:
                found[check["key"]] = max(found.get(check["key"], (0, "")), (check["seq"], CheckOutcome(check["outcome"])))
    return found


def test_two_at_once_leave_nothing_out(vault, monkeypatch):
    take, inner = one_store.StoreRun._take, []

    def taken(run, result):
        if not inner:  # another begins after this one and ends before this one knows anything
            inner.append(True)
            inner.append(vault.audit(max_bytes=1))
        take(run, result)

    monkeypatch.setattr(one_store.StoreRun, "_take", taken)
    outer = vault.audit()
    assert outer.stores[0].seq < inner[1].stores[0].seq and inner[1].stores[0].left
    assert told(vault) == known(vault)
    assert {seq for seq, _ in told(vault).values()} >= {outer.stores[0].seq, inner[1].stores[0].seq}


def test_what_one_that_was_cut_off_found_is_told_by_the_next_and_once(vault, monkeypatch):
    def stop(run, *_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(one_store.StoreRun, "_record_missing", stop)
        with pytest.raises(KeyboardInterrupt):
            vault.audit()
    assert told(vault) != known(vault)
    vault.audit(max_bytes=1)
    assert told(vault) == known(vault)
    last = [json.loads(data) for key, data in sorted(vault.objects.all().items()) if key.startswith("checks/")][-1]
    vault.audit(max_bytes=1)
    after = [json.loads(data) for key, data in sorted(vault.objects.all().items()) if key.startswith("checks/")][-1]
    assert len(last["checks"]) > len(after["checks"]) and {one["seq"] for one in after["checks"]} == {after["seq"]}


def forge(vault, seq, change):
    """A document beside those of the vault, of another writer, as anybody can write it who can write into the store."""
    document = next(json.loads(data) for key, data in sorted(vault.objects.all().items()) if key.startswith("checks/"))
    document["writer"], document["seq"] = "0" * 32, seq
    for check in document["checks"]:
        check["seq"] = seq
        change(check)
    key = f"checks/{seq:012d}/{document['writer']}-0001.json"
    vault.objects.put(key, canonical.dumps(document))
    return key


@pytest.mark.parametrize("outcome", sorted({*CheckOutcome} - {CheckOutcome.SOUND, CheckOutcome.DAMAGED, CheckOutcome.MISSING}))
def test_a_document_that_says_what_none_says_is_not_believed(vault, outcome):
    vault.audit()
    was = known(vault)
    forge(vault, 7_000, lambda check: check.update(outcome=outcome.value))
    vault.audit(max_bytes=1)  # and so reads little of it itself
    assert {key: outcome for key, (_, outcome) in was.items()} == {key: known(vault).get(key, (0, None))[1] for key in was}


@pytest.mark.parametrize("change", [
    {"seq": 1 << 63}, {"seq": 7_001}, {"seq": -1}, {"seq": True}, {"seq": "1"}, {"seq": None}, {"size": 1 << 63},
    {"size": "1"}, {"size": 1.5}, {"time": "soon"}, {"time": None}, {"time": "9999-99-99"},
    {"sha256": 1}, {"expected": "ab"}, {"key": 7}, {"key": "../x"}, {"more": 1},
], ids=str)
def test_a_result_that_none_can_have_is_damage_of_its_document_and_harms_no_audit(vault, change):
    vault.audit()
    key = forge(vault, 7_000, lambda check: check.update(change))
    for report in (vault.audit(), vault.audit()):
        assert report.stores[0].seq < 7_000
        assert {one.place.split(": ")[-1] for one in report.findings if one.code is Code.OBJECT_DAMAGED} == {key}


def test_numbers_cannot_be_used_up(vault):
    before = vault.audit().stores[0].seq
    key = forge(vault, 999_999_999_999, lambda _: None)
    for more in (1, 2):
        report = vault.audit()
        assert report.stores[0].seq == before + more
        assert [one.place.split(": ")[-1] for one in report.findings if one.code is Code.OBJECT_DAMAGED] == [key]

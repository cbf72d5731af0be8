"""What audits found lies below `checks/` in the store, whoever found it and whatever went on beside it."""

from __future__ import annotations

import json

import pytest

from strongroom.catalogue import Catalogue
from strongroom.catalogue.checks import all_checks
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

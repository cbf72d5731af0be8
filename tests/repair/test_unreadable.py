"""Objects that an answering store cannot give: written beside from where they are sound, and never taken for lost."""

import json

import jsonschema
import pytest

from strongroom.catalogue import Catalogue
from strongroom.catalogue.checks import count_unreadable
from strongroom.collections.schemas import load_schema
from strongroom.core.findings import Code
from strongroom.core.keys import StoreKey
from strongroom.usecases.audit import run as audits
from strongroom.usecases.audit.kinds import Kind, name_of
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.repair import opening
from strongroom.usecases.status import status
from tests.audit.bad_sectors import opened_as
from tests.fixtures.findings import said

KINDS = (Kind.PACK, Kind.CONTENT, Kind.INDEX, Kind.SEAL, Kind.PLACEMENT, Kind.TAG, Kind.MARK, Kind.LOG, Kind.README)


def look(hurt):
    return audit(AuditRequest(), hurt.place.context, hurt.place.runner)


def in_both(hurt, kind):
    """A key of this kind whose bytes the second store has as well."""
    one, two = hurt.place.folder("one"), hurt.place.folder("two")
    keys = sorted(path.relative_to(one).as_posix() for path in one.rglob("*") if path.is_file() and ".tmp" not in path.parts)
    return next(key for key in keys if name_of(StoreKey(key)).kind is kind and (two / key).exists()
                and (kind is Kind.PLACEMENT or (two / key).read_bytes() == (one / key).read_bytes()))


def unreadable(hurt):
    with Catalogue.open(hurt.place.context.catalogue) as catalogue:
        return sum(count_unreadable(catalogue, catalogue.store_number(row.id)) for row in catalogue.stores())


def test_what_another_store_has_sound_is_written_beside(hurt, monkeypatch):
    look(hurt)
    keys = {in_both(hurt, kind): how for kind, how in zip(KINDS, ["open", "read"] * len(KINDS), strict=False)}
    opened_as(monkeypatch, {f"store-one/{key}": how for key, how in keys.items()}, audits, opening)
    assert look(hurt).exit_status == 3
    assert unreadable(hurt) == len(keys)
    standing = status(hurt.place.context)
    jsonschema.Draft202012Validator(load_schema("status-report")).validate(json.loads(json.dumps(standing.to_json())))
    assert standing.exit_status == 3 and sum(one.unreadable for one in standing.stores) == len(keys)
    assert all(one.recent_share < 1 for one in standing.collections[0].replicas if "store-one" in one.store)

    report = hurt.repair()
    jsonschema.Draft202012Validator(load_schema("repair-report")).validate(json.loads(json.dumps(report.to_json())))
    assert report.exit_status == 0, report.findings
    repaired, left = set(report.stores[0].repaired), set(report.stores[0].left)
    assert (repaired, left) == ({f"{key}~1" for key in keys}, set())
    assert unreadable(hurt) == 0 and status(hurt.place.context).exit_status == 0
    assert hurt.repair().repaired == 0

    again = look(hurt)  # the sectors are as bad as before
    assert again.exit_status == 0
    assert [finding.code for finding in said(again)] == [Code.COPY_DAMAGED] * len(keys)


@pytest.mark.parametrize("kind", [Kind.PACK, Kind.CONTENT, Kind.TAG])
def test_what_no_other_store_has_is_neither_lost_nor_made_anew(hurt, monkeypatch, kind):
    look(hurt)
    key = in_both(hurt, kind)
    before = sorted(path for path in hurt.place.root.rglob("store-*/*/**/*") if "checks" not in path.parts and "log" not in path.parts)
    opened_as(monkeypatch, {f"store-{name}/{key}": "read" for name in ("one", "two")}, audits, opening)
    assert look(hurt).exit_status == 3
    report = hurt.repair()
    assert (report.exit_status, report.repaired, report.lost) == (3, 0, 0)
    assert [finding.code for finding in report.findings] == [Code.UNREADABLE] * 2
    assert all(finding.place.endswith(key) for finding in report.findings)
    assert before == sorted(
        path for path in hurt.place.root.rglob("store-*/*/**/*") if "checks" not in path.parts and "log" not in path.parts)
    monkeypatch.undo()
    assert hurt.repair().stores[0].sound == 1
    assert unreadable(hurt) == 0
    assert look(hurt).exit_status == 0


def test_what_is_damaged_is_healed_beside_what_cannot_be_read(hurt, monkeypatch):
    """One unreadable object is not the end of the store for the others."""
    look(hurt)
    pack, content, log = in_both(hurt, Kind.PACK), in_both(hurt, Kind.CONTENT), in_both(hurt, Kind.LOG)
    hurt.flip("two", content)
    opened_as(monkeypatch, {f"store-one/{pack}": "open", f"store-one/{log}": "read"}, audits, opening)
    report = hurt.repair()
    assert report.exit_status == 0, report.findings
    assert [list(one.repaired) for one in report.stores] == [[], [f"{content}~1"]]
    assert not [finding for finding in report.findings if "stopped answering" in finding.message]

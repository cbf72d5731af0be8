"""Objects that an answering store cannot give, and stores in which nothing can be written."""

import shutil

import pytest

from strongroom.catalogue import Catalogue
from strongroom.catalogue.checks import CheckRow, count_unreadable, count_unsound, last_audit, record_checks
from strongroom.core.errors import StoreUnreachableError
from strongroom.core.events import utc_now
from strongroom.core.findings import Code
from strongroom.core.keys import StoreKey
from strongroom.core.outcomes import CheckOutcome
from strongroom.usecases.audit import one_store
from strongroom.usecases.audit.kinds import Kind, index_of, name_of
from tests.audit.bad_sectors import opened_as
from tests.audit.test_audit import documents, flip, size_of_last
from tests.fixtures.catalogues import lose
from tests.fixtures.findings import said


def counts(vault):
    with Catalogue.open(vault.context.catalogue) as catalogue:
        return count_unsound(catalogue, 1), count_unreadable(catalogue, 1)


def one_of(vault, kind):
    return next(key for key in vault.keys("") if name_of(StoreKey(key)).kind is kind and "/v3/" not in key and "/maps/v2/" not in key)


@pytest.mark.parametrize("how", ["open", "read"])
@pytest.mark.parametrize("kind", [Kind.PACK, Kind.CONTENT, Kind.INDEX])
def test_contents_that_cannot_be_read_are_not_called_missing(vault, monkeypatch, kind, how):
    """Not even where something else is damaged and a placement is gone, so that every bag is looked through."""
    key, damaged, gone = one_of(vault, kind), vault.keys("packs/", ".tar")[-1], one_of(vault, Kind.PLACEMENT)
    flip(vault, damaged, at=520)
    vault.objects.delete(gone)
    opened_as(monkeypatch, {key: how})
    report = vault.audit()
    found = {one.key: (one.outcome.value, one.contents) for one in report.stores[0].unsound}
    assert found == {damaged: ("damaged", 1), gone: ("missing", 0)}
    assert [finding.code.label for finding in said(report) if key in finding.place] == ["unreadable"]
    assert counts(vault) == (2, 1)


@pytest.mark.parametrize("how", ["open", "read"])
@pytest.mark.parametrize("kind", [
    Kind.PACK, Kind.CONTENT, Kind.INDEX, Kind.SEAL, Kind.PLACEMENT, Kind.LOG, Kind.CHECKS, Kind.README, Kind.MARK, Kind.TAG])
def test_one_object_that_cannot_be_read_costs_nothing_but_itself(vault, monkeypatch, kind, how):
    key = one_of(vault, kind)
    before = vault.audit(quick=True).stores[0].listed
    with monkeypatch.context() as patch:
        opened_as(patch, {key: how})
        report = vault.audit()
    store = report.stores[0]
    assert report.exit_status == 3 and store.problem is None and store.unsound == ()
    assert [(finding.code.label, finding.place.rpartition(" ")[2]) for finding in said(report)] == [("unreadable", key)]
    assert (store.outcomes[CheckOutcome.UNREADABLE], store.outcomes[CheckOutcome.SOUND]) == (1, before - 1)
    assert counts(vault) == (0, 1)
    assert store.recent_share < 1
    with Catalogue.open(vault.context.catalogue) as catalogue:
        assert last_audit(catalogue, 1).ended is not None
    assert vault.audit().exit_status == 0
    assert counts(vault) == (0, 0)


def test_what_is_no_longer_looked_at_or_missed_is_not_said_for_ever(vault):
    """A file of an attempt that is no bag, and one that was missed and that nobody needs any more."""
    (mark,) = vault.keys("bags/maps/v2/", "/open")
    gone = mark.removesuffix("/open") + "/bag/bagit.txt"
    with Catalogue.open(vault.context.catalogue) as catalogue:
        for key, outcome in ((mark, CheckOutcome.DAMAGED), (gone, CheckOutcome.MISSING)):
            record_checks(catalogue, 1, [CheckRow(StoreKey(key), 1, outcome, utc_now(), None, None, None)])
    assert counts(vault) == (2, 0)
    assert vault.audit(name="maps").exit_status == 0
    assert vault.audit().exit_status == 0
    assert counts(vault) == (0, 0)


def test_nothing_is_called_missing_where_a_pack_can_neither_be_read_nor_is_known(vault, monkeypatch):
    """By an installation that never saw the store: its catalogue names nothing, and the index is damaged."""
    pack = one_of(vault, Kind.PACK)
    vault.objects.put(index_of(pack), b"rot\n")
    lose(vault.context.home)
    opened_as(monkeypatch, {pack: "read"})
    report = vault.audit(stores=(vault.url,))
    assert [(one.key, one.outcome) for one in report.stores[0].unsound] == [(index_of(pack), CheckOutcome.DAMAGED)]
    unreadable = [finding for finding in said(report) if finding.code is Code.UNREADABLE]
    assert all(pack in finding.place for finding in unreadable)
    assert "may lie in there" in unreadable[-1].message


def test_a_store_that_cannot_be_written_is_audited_all_the_same(vault):
    """As on a disk that is mounted read-only. What was found is put into the store by the next audit that can."""
    temporary = vault.objects.root / ".tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.write_bytes(b"")  # no folder for temporaries, so nothing can be written
    before = len(documents(vault))
    report = vault.audit()
    assert report.exit_status == 0 and report.stores[0].problem is None
    assert [finding.code.label for finding in said(report)] == ["store-limit"]
    assert "catalogue only" in said(report)[0].message
    with Catalogue.open(vault.context.catalogue) as catalogue:
        last = last_audit(catalogue, 1)
    assert last.ended is not None and last.complete and last.seq == report.stores[0].seq
    assert len(documents(vault)) == before
    temporary.unlink()
    temporary.mkdir()
    assert vault.audit(max_bytes=1).exit_status == 0
    told = {check["seq"] for check in documents(vault)[-1]["checks"]}
    assert last.seq in told


def test_a_store_that_is_gone_when_the_results_are_written_is_unreachable(vault, monkeypatch):
    def vanish(*args, **options):
        (vault.root / "store").rename(vault.root / "drawer")
        raise StoreUnreachableError("EIO")

    monkeypatch.setattr(one_store, "publish", vanish)
    report = vault.audit()
    assert report.exit_status == 3 and report.stores[0].problem is not None


def test_what_cannot_be_read_does_not_keep_the_rest_from_being_read(vault, monkeypatch):
    """It had its turn: a run whose budget one unit uses up reads another first. Where reading is a matter of age, it is asked for again."""
    pack = one_of(vault, Kind.PACK)
    opened_as(monkeypatch, {pack: "read"})
    assert vault.audit().exit_status == 3
    limited = vault.audit(max_bytes=size_of_last(vault) + 1)
    assert limited.exit_status == 0 and limited.stores[0].left > 0
    assert "of what was read." in limited.summary()[0]
    assert counts(vault) == (0, 1)
    assert vault.audit(max_age_days=30).exit_status == 3


def test_a_round_that_is_gone_on_with_is_said(vault, monkeypatch):
    messages = []
    monkeypatch.setattr(type(vault.runner), "say", lambda self, message: messages.append(message))
    first = vault.audit(max_bytes=1).stores[0].seq
    assert not [message for message in messages if "goes on" in message]
    vault.audit(max_bytes=1)
    assert [message for message in messages if "goes on" in message] == [
        f"goes on with the round that audit {first} of this store began: the last audit left something for later"]


def test_the_headline_says_that_damaged_copies_lie_beside_sound_ones(vault):
    pack = one_of(vault, Kind.PACK)
    data = vault.objects.all()[pack]
    flip(vault, pack)
    vault.objects.put(pack + "~1", data)
    report = vault.audit()
    assert report.exit_status == 0 and report.stores[0].outcomes[CheckOutcome.DAMAGED] == 1
    assert "lies a sound copy" in report.summary()[0]

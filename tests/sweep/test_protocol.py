"""What happens in the gaps of a sweep: between its record and its deletions, and beside replicas."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.core.ids import BagId
from strongroom.stores.describe import open_known_store
from strongroom.usecases.archive.attempt import Attempt
from strongroom.usecases.archive.run import _Run
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.sweep import one_store, records
from strongroom.usecases.sweep.attempts import void
from tests.replicate.conftest import Place
from tests.sweep.test_sweep import filled, stray_pack, swept, worse_than_notes

TEXT = b"first nobody's, then somebody's"


def test_what_is_needed_by_then_is_stored_anew_before_its_pack_goes(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bag is sealed between the record and the deletions that leans on what was condemned, by somebody who opened before."""
    filled(place, versions=1)
    pack = stray_pack(place, TEXT, b"never needed")
    condemn = records.condemn

    def condemned(*args: Any) -> int:
        count = condemn(*args)
        place.write("other", "only.txt", TEXT)
        with monkeypatch.context() as patch:
            patch.setattr(_Run, "_heed", lambda self: 1)  # it opened before there was a record
            assert place.archive("other", ["one"]).outcome == "sealed"
        return count

    monkeypatch.setattr(one_store.records, "condemn", condemned)
    report = swept(place, "one")
    assert report.exit_status == 0, report.findings
    assert not (place.folder("one") / pack).exists()
    assert place.payload("one", "other/v1") == {"data/only.txt": TEXT}
    assert worse_than_notes(audit(AuditRequest(), place.context, place.runner)) == []


def test_nobody_is_passed_by_who_opens_just_after_the_record(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is open when the record is durable is waited for, though the first look saw nobody."""
    filled(place, versions=1)
    pack = stray_pack(place, TEXT)
    condemn, opened = records.condemn, []

    def condemned(*args: Any) -> int:
        opened.append(Attempt.open(open_known_store(str(place.folder("one")), None), BagId("site", 2)))
        return condemn(*args)

    monkeypatch.setattr(one_store.records, "condemn", condemned)
    assert swept(place, "one").exit_status == 3
    monkeypatch.undo()
    assert (place.folder("one") / pack).exists()
    assert swept(place, "one").exit_status == 3  # a new run waits for the same one
    opened[0].close("it ended")
    assert swept(place, "one").exit_status == 0
    assert not (place.folder("one") / pack).exists()
    assert (place.folder("one") / "sweep/000000000001/done.json").exists()


def test_a_replica_is_not_sealed_beside_a_void(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write("site", "a.txt", b"a")
    assert place.archive("site", ["one", "two"]).outcome == "sealed"
    two = open_known_store(str(place.folder("two")), None)
    from strongroom.usecases.replicate import bring

    put = bring.put_tag_files

    def voided(*args: Any) -> Any:
        assert void(two, BagId("site", 1))
        return put(*args)

    monkeypatch.setattr(bring, "put_tag_files", voided)
    report = place.replicate("site", ["one", "two"])
    assert "forked" in {one.code.label for one in report.findings}
    assert not (place.folder("two") / "bags/site/v1/seal.json~1").exists()


def test_a_replica_under_way_is_waited_for_and_never_voided(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write("site", "a.txt", b"a")
    assert place.archive("site", ["one", "two"]).outcome == "sealed"
    from strongroom.usecases.replicate import bring

    def stop(*_: Any) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(bring, "put_seal", stop)
        with pytest.raises(KeyboardInterrupt):
            place.replicate("site", ["one", "two"])
    report = swept(place, "two", void_open=True)
    assert report.exit_status == 3 and report.stores[0].waits_for
    assert not (place.folder("two") / "bags/site/v1/seal.json").exists()
    place.replicate("site", ["one", "two"])
    assert place.payload("two", "site/v1") == {"data/a.txt": b"a"}
    assert swept(place, "two").exit_status == 0


def test_a_forged_record_deletes_nothing_that_is_needed(place: Place) -> None:
    held = filled(place, versions=2)
    every = sorted(place.objects("one"))
    folder = place.folder("one") / "sweep/000000000001"
    folder.mkdir(parents=True)
    (folder / "keys-0001.jsonl").write_text("".join(f'{{"key":"{key}","why":"unneeded"}}\n' for key in every))
    store = '"format":"strongroom-sweep/1","seq":1'
    (folder / "record.json").write_text(f'{{{store},"keys":{len(every)},"parts":1}}\n')
    (folder / "waits.json").write_text(f'{{{store},"attempts":[]}}\n')
    report = swept(place, "one")
    assert report.exit_status == 0, report.findings
    moved = {key for key in every if key.startswith(("packs/", "content/"))}
    assert set(every) - place.objects("one") <= moved
    for bag, payload in held.items():
        assert place.payload("one", bag) == payload
    assert worse_than_notes(audit(AuditRequest(), place.context, place.runner)) == []

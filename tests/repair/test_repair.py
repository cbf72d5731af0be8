"""Damage is healed from wherever sound bytes can be had, beside what is damaged."""

from __future__ import annotations

import hashlib
import json
import threading

import pytest

from strongroom.core.errors import UsageError
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit

BOTH = ["one", "two"]


def test_every_kind_of_object_is_healed_from_the_other_store(hurt):
    place = hurt.place
    before = {store: {bag: place.payload(store, bag) for bag in place.bags(store)} for store in BOTH}
    tags = place.tag_side("two", "site/v1")
    names = place.objects("one")
    seal = place.seal("one", "site/v1")["attempt"]
    kinds = [
        next(name for name in names if name.startswith("content/")), next(name for name in names if name.endswith(".tar")),
        f"bags/site/v1/{seal}/bag/manifest-sha256.txt", f"bags/site/v1/{seal}/bag/tagmanifest-sha256.txt",
        f"bags/site/v1/{seal}/open", "bags/site/v1/seal.json", next(name for name in names if name.startswith("log/")),
        next(name for name in names if name.startswith("packs/") and name.endswith(".jsonl")), "README.txt", "bags/site/v2/placement.jsonl",
    ]
    for key in kinds:
        hurt.flip("one", key)
    report = hurt.repair()
    assert report.exit_status == 0, report.findings
    assert sorted(report.stores[0].repaired) == sorted(f"{key}~1" for key in kinds)
    assert hurt.nothing_was_overwritten()
    assert hurt.unsound("one") == []
    for key in kinds[:8]:
        assert (place.folder("one") / f"{key}~1").read_bytes() == (place.folder("two") / key).read_bytes()
    assert before["two"] == {bag: place.payload("two", bag) for bag in place.bags("two")}
    healed = {name.removesuffix("~1"): data for name, data in place.tag_side("one", "site/v1").items() if not damaged(place, name)}
    assert tags.items() <= healed.items()
    again = hurt.repair()
    assert (again.exit_status, again.repaired) == (0, 0)
    assert b'"eventType":"repair"' in place.every_byte("one")


def damaged(place, name):
    return (place.folder("one") / f"bags/site/v1/{name}~1").exists()


def test_what_is_gone_comes_back_under_its_own_key(hurt):
    place = hurt.place
    names = sorted(place.objects("one"))
    gone = [next(name for name in names if name.endswith(".tar")), next(name for name in names if name.endswith("bag-info.txt"))]
    before = [(place.folder("one") / key).read_bytes() for key in gone]
    for key in gone:
        hurt.remove("one", key)
    assert hurt.repair(stores=[place.stores["one"] if "://" in place.stores["one"] else place.folder("one").as_uri()]).exit_status == 0
    assert [(place.folder("one") / key).read_bytes() for key in gone] == before


def test_one_content_damaged_in_both_stores_is_named_and_the_rest_is_healed(hurt):
    place = hurt.place
    (place.source("site") / "pages/7.html").unlink()
    lost = hashlib.sha256(b"page 7 of the site").hexdigest()
    pack = hurt.flip_member("one", b"page 7 of the site")
    data = (place.folder("one") / pack).read_bytes()
    hurt.flip("one", pack, data.index(b"page 9 of the site"))
    hurt.flip_member("two", b"page 7 of the site")
    large = next(name for name in place.objects("one") if name.startswith("content/"))
    hurt.flip("one", large)
    report = hurt.repair()
    assert report.exit_status == 1
    one, two = report.stores
    assert (one.repaired, two.repaired) == ((f"{large}~1",), ())  # the packs are not: what was left of them lies in others
    assert pack in one.left and pack in two.left and one.rescued and two.rescued
    assert "new object" in report.summary()[0]
    log = max(place.folder("two").glob("log/*/*.json"), key=lambda path: path.stat().st_mtime_ns)
    assert [event["eventDetail"] for event in json.loads(log.read_bytes())["events"]] == [
        "made of what is left of packs that cannot be made whole, and read back"]
    lines = [str(finding) for finding in report.findings if finding.code.label == "not-repaired"]
    assert sorted({line.split(": ")[1] + ": " + line.split(": ")[2] for line in lines}) == [
        "site/v1: data/pages/7.html", "site/v2: data/pages/7.html"]
    for store in BOTH:
        stored = place.stored(store)
        assert set(place.stored("one")) >= {hashlib.sha256(b"page 9 of the site").hexdigest()}
        assert lost not in stored
        for number in (0, 8, 9, 29):
            assert hashlib.sha256(b"page %d of the site" % number).hexdigest() in stored
        assert large.rpartition("/")[2] in stored
    place.write("site", "pages/7.html", b"page 7 of the site")
    manifest = place.manifest("site", BOTH)
    assert hurt.repair(manifests=[manifest]).exit_status == 0
    for store in BOTH:
        assert place.payload(store, "site/v1")["data/pages/7.html"] == b"page 7 of the site"
        assert hurt.unsound(store) == []


def test_a_pack_is_made_again_byte_for_byte_when_each_copy_is_damaged_elsewhere(hurt):
    place = hurt.place
    pack = hurt.flip_member("one", b"page 3 of the site")
    hurt.flip_member("two", b"page 4 of the site")
    report = hurt.repair()
    assert report.exit_status == 0, report.findings
    for store in BOTH:
        healed = (place.folder(store) / f"{pack}~1").read_bytes()
        assert hashlib.sha256(healed).hexdigest() == pack.rpartition("/")[2].removesuffix(".tar")
        assert len(place.payload(store, "site/v2")) == 32
    assert hurt.nothing_was_overwritten()


def test_a_false_alarm_writes_nothing(hurt):
    from strongroom.core.outcomes import CheckOutcome

    pack = next(name for name in hurt.place.objects("one") if name.endswith(".tar"))
    before = hurt.place.objects("one")
    hurt.tell("one", pack, CheckOutcome.DAMAGED, pack.rpartition("/")[2].removesuffix(".tar"))
    report = hurt.repair()
    assert (report.exit_status, report.repaired, report.stores[0].sound) == (0, 0, 1)
    assert hurt.place.objects("one") == before
    assert hurt.unsound("one") == []


def test_the_description_of_a_store_comes_back_from_home(hurt):
    path = hurt.place.folder("one") / "strongroom.json"
    before = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(before[:20])
    assert hurt.repair().exit_status == 0
    assert (hurt.place.folder("one") / "strongroom.json~1").read_bytes() == before
    assert path.read_bytes() == before[:20]


def test_an_empty_mount_point_is_not_made_a_store(hurt):
    hurt.place.detach("one")
    hurt.place.folder("one").mkdir()
    assert hurt.repair().exit_status == 3
    assert list(hurt.place.folder("one").iterdir()) == []


def test_a_store_nobody_knows_is_wrong_usage(hurt):
    with pytest.raises(UsageError, match="no store is known there"):
        hurt.repair(stores=["file:///nowhere"])


def test_archiving_meanwhile_loses_nothing(hurt):
    place = hurt.place
    hurt.flip_member("one", b"page 5 of the site")
    for number in range(40):
        place.write("site", f"later/{number}", b"later %d" % number)
    ended = []
    thread = threading.Thread(target=lambda: ended.append(hurt.repair()))
    thread.start()
    report = place.archive("site", BOTH)
    thread.join()
    assert report.bag == "site/v3"
    assert ended[0].exit_status == 0
    assert len(place.payload("one", "site/v3")) == 72
    assert place.payload("one", "site/v1")["data/pages/5.html"] == b"page 5 of the site"


@pytest.mark.parametrize("also_first", [False, True])
def test_a_repaired_object_whose_repair_is_gone_is_repaired_again(hurt, also_first):
    """What was sound once, and is gone, speaks for nothing."""
    place = hurt.place
    key = next(path for path in place.folder("one").glob("bags/site/v1/*/bag/manifest-sha256.txt"))
    true = key.read_bytes()
    url = place.stores["one"]

    def audited() -> int:
        return audit(AuditRequest(stores=(url,)), place.context, place.runner).exit_status

    assert audited() == 0
    key.chmod(0o644)
    key.write_bytes(b"rot")
    assert (audited(), hurt.repair().exit_status, audited()) == (1, 0, 0)
    repaired = key.with_name(key.name + "~1")
    assert repaired.read_bytes() == true
    repaired.unlink()
    if also_first:
        key.unlink()
    assert (audited(), hurt.repair().exit_status, audited()) == (1, 0, 0)
    assert true in [path.read_bytes() for path in key.parent.glob(key.name + "*")]

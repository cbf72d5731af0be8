"""Every bag in every store: what is copied, what is the same, what is not done twice."""

import hashlib
import json
import os

import pytest

from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import init_store

BOTH = ["one", "two"]


def fill(place, name="site", files=30):
    for number in range(files):
        place.write(name, f"pages/{number}.html", b"page %d of " % number + name.encode())
    place.write(name, "large.bin", os.urandom(5 << 20))
    place.write(name, "empty", b"")


def codes(report):
    return sorted(finding.code.label for finding in report.findings)


def test_a_bag_comes_to_the_other_store_bit_for_bit(place):
    fill(place)
    place.archive("site", BOTH)
    report = place.replicate("site", BOTH)
    assert report.exit_status == 0
    assert [line.brought for line in report.lines] == [(), ("site/v1",)]
    assert place.tag_side("two", "site/v1") == place.tag_side("one", "site/v1")
    assert place.payload("two", "site/v1") == place.payload("one", "site/v1")
    assert len(place.payload("two", "site/v1")) == 32
    packs = [{name for name in place.objects(store) if name.startswith("packs/")} for store in BOTH]
    assert packs[0] == packs[1]  # all members belong there, so the pack is the same pack


def test_a_second_run_writes_nothing(place):
    fill(place)
    place.archive("site", BOTH)
    place.replicate("site", BOTH)
    place.replicate("site", BOTH)
    before = [place.objects(store) for store in BOTH]
    report = place.replicate("site", BOTH)
    assert (report.exit_status, report.brought) == (0, 0)
    assert [place.objects(store) for store in BOTH] == before


def test_several_versions_and_only_what_is_new_is_copied(place):
    fill(place)
    place.archive("site", BOTH)
    place.replicate("site", BOTH)
    place.write("site", "pages/3.html", b"changed")
    place.archive("site", BOTH)
    place.write("site", "pages/4.html", b"changed too")
    place.archive("site", BOTH)
    report = place.replicate("site", BOTH)
    assert report.lines[1].brought == ("site/v2", "site/v3")
    assert report.lines[1].contents == 2
    for version in (1, 2, 3):
        assert place.payload("two", f"site/v{version}") == place.payload("one", f"site/v{version}")


def test_a_store_is_added_later_and_a_lost_one_is_made_again(place):
    fill(place)
    place.archive("site", ["one"])
    place.replicate("site", BOTH)
    place.add_store("three")
    assert place.replicate("site", [*BOTH, "three"]).lines[2].brought == ("site/v1",)
    before = place.payload("one", "site/v1")
    place.lose("one")
    init_store(str(place.folder("one")))
    (place.root / "home").rename(place.root / "old home")
    place.replicate("site", [*BOTH, "three"])
    assert place.payload("one", "site/v1") == before


def test_the_log_is_copied_unchanged_and_carries_the_replication(place):
    fill(place)
    place.archive("site", BOTH)
    place.replicate("site", BOTH)
    logs = [{name: (place.folder(s) / name).read_bytes() for name in place.objects(s) if name.startswith("log/")} for s in BOTH]
    assert logs[0] == logs[1]
    events = [event for data in logs[0].values() for event in json.loads(data)["events"]]
    assert [event["linkingObjectIdentifier"][0] for event in events if event["eventType"] == "replication"] == ["site/v1"]


def test_a_damaged_copy_is_not_spread(place):
    fill(place)
    place.archive("site", BOTH)
    pack = next(place.folder("one").glob("packs/*/*.tar"))
    data = bytearray(pack.read_bytes())
    data[data.index(b"page 7 of site")] ^= 1
    pack.chmod(0o644)
    pack.write_bytes(data)
    (place.source("site") / "pages/7.html").unlink()
    report = place.replicate("site", BOTH)
    assert report.exit_status == 1
    assert "pages/7.html" in next(str(finding) for finding in report.findings if finding.code.label == "content-missing")
    assert place.bags("two") == []
    place.write("site", "elsewhere/7.html", b"page 7 of site")  # not where it was: nobody knows it there
    place.write("site", "pages/7.html", b"page 7 of site")
    assert place.replicate("site", BOTH).lines[1].brought == ("site/v1",)
    assert place.payload("two", "site/v1")["data/pages/7.html"] == b"page 7 of site"


def test_a_store_that_should_answer_and_does_not_is_exit_3_and_harms_nothing(place):
    fill(place)
    place.archive("site", BOTH)
    place.detach("two")
    report = place.replicate("site", BOTH)
    assert report.exit_status == 3
    assert "store-skipped" in codes(report)
    place.offline = True
    assert place.replicate("site", BOTH).exit_status == 0
    place.attach("two")
    assert place.replicate("site", BOTH).lines[1].brought == ("site/v1",)


def test_a_store_that_takes_no_more_is_said_with_what_came_before_and_the_others_are_served(place):
    place.write("site", "small", b"small")
    place.add_store("three")
    place.archive("site", BOTH)
    place.write("site", "large", b"\xff" * (6 << 20))
    place.archive("site", BOTH)
    (place.folder("two") / "content").write_bytes(b"no folder")
    report = place.replicate("site", [*BOTH, "three"])
    assert (report.exit_status, codes(report)) == (3, ["store-skipped"])
    assert [(line.brought, line.waiting) for line in report.lines] == [
        ((), ()), (("site/v1",), ("site/v2",)), (("site/v1", "site/v2"), ())]
    events = [event for path in place.folder("two").glob("log/*/*.json") for event in json.loads(path.read_bytes())["events"]]
    assert [event["linkingObjectIdentifier"][0] for event in events if event["eventType"] == "replication"] == ["site/v1"]
    (place.folder("two") / "content").unlink()
    assert [line.brought for line in place.replicate("site", [*BOTH, "three"]).lines] == [(), ("site/v2",), ()]


def test_two_seals_under_one_label_are_both_kept(place):
    fill(place)
    place.archive("site", ["one"])
    (place.root / "home").rename(place.root / "old home")
    place.write("site", "only here", b"another history")
    place.archive("site", ["two"])
    report = place.replicate("site", BOTH)
    assert report.exit_status == 1
    assert "forked" in codes(report)
    for store in BOTH:
        seals = {path.name: path.read_bytes() for path in place.folder(store).glob("bags/site/v1/seal.json*")}
        assert set(seals) == {"seal.json", "seal.json~1"}
    ones, twos = ({path.read_bytes() for path in place.folder(s).glob("bags/site/v1/seal.json*")} for s in BOTH)
    assert ones == twos
    before = [place.objects(store) for store in BOTH]
    place.replicate("site", BOTH)
    place.replicate("site", BOTH)
    assert {name for name in place.objects("one") if "seal" in name} == {name for name in before[0] if "seal" in name}


def test_restricted_material_stays_where_it_belongs(place):
    place.source("a").mkdir(parents=True)
    secret = [b"secret %d: " % number + os.urandom(200) for number in range(20)]
    for number, data in enumerate(secret):
        place.write("a", f"secret-{number}", data)
    for number in range(20):
        place.write("a", f"shared-{number}", b"known to everybody %d" % number * 9)
        place.write("b", f"shared-{number}", b"known to everybody %d" % number * 9)
    place.write("b", "own", b"of b alone")
    place.archive("a", ["one"])
    place.archive("b", BOTH)  # relies on the pack of a in the first store
    report = place.replicate("b", BOTH)
    assert report.exit_status == 0
    assert place.payload("two", "b/v1") == place.payload("one", "b/v1")
    every = place.every_byte("two")
    for data in secret:
        assert data not in every
    for data in secret:
        assert hashlib.sha256(data).hexdigest().encode() not in every
    assert b"secret" not in every
    assert b"a/v1" not in every
    assert b"secret 3: " in place.every_byte("one")


@pytest.mark.s3
def test_from_a_folder_to_a_bucket_and_back(place, s3_bucket):
    fill(place)
    place.add_store("bucket", s3_bucket())
    with LocalRunner(1, quiet=True) as place.runner:  # its processes have the credentials
        there_and_back(place)


def there_and_back(place):
    stores = ["one", "bucket"]
    place.archive("site", stores)
    assert place.replicate("site", stores).lines[1].brought == ("site/v1",)
    before = place.payload("one", "site/v1")
    place.lose("one")
    init_store(str(place.folder("one")))
    (place.root / "home").rename(place.root / "old home")
    for path in (place.source("site") / "pages").iterdir():
        path.unlink()
    assert place.replicate("site", stores).lines[0].brought == ("site/v1",)
    assert place.payload("one", "site/v1") == before


def test_a_collection_that_shares_with_none_is_brought_whole_though_the_store_has_equal_contents(place):
    alone = "dedup: collection\n"
    for name in ("a", "b"):
        for number in range(20):
            place.write(name, f"{number}", b"known to everybody %d" % number * 9)
    place.archive("b", BOTH)
    place.replicate("b", BOTH)
    place.archive("a", BOTH, alone)
    report = place.replicate("a", BOTH, alone)
    assert (report.exit_status, report.lines[1].contents) == (0, 20)
    assert place.payload("two", "a/v1") == place.payload("one", "a/v1")

"""Two disks that take turns and are never attached together."""

import pytest

BOTH = ["one", "two"]


@pytest.fixture
def turns(place):
    """Both disks lie in the drawer."""
    place.offline = True
    for number in range(12):
        place.write("site", f"{number}.html", b"first state %d" % number)
    place.detach("one")
    place.detach("two")
    return place


def swap(place, old, new):
    if old:
        place.detach(old)
    place.attach(new)


def test_the_other_disk_goes_on_from_what_is_known_of_the_first(turns):
    swap(turns, None, "one")
    assert turns.archive("site", BOTH).bag == "site/v1"
    swap(turns, "one", "two")
    report = turns.archive("site", BOTH)
    assert (report.outcome, report.bag) == ("unchanged", "site/v1")
    assert turns.bags("two") == []
    assert turns.replicate("site", BOTH).lines[1].brought == ("site/v1",)
    assert len(turns.payload("two", "site/v1")) == 12
    turns.write("site", "new.html", b"second state")
    assert turns.archive("site", BOTH).bag == "site/v2"
    assert turns.seal("two", "site/v2")["previous"]["bag"] == "site/v1"
    swap(turns, "two", "one")
    turns.write("site", "newer.html", b"third state")
    assert turns.archive("site", BOTH).bag == "site/v3"
    assert turns.seal("one", "site/v3")["previous"]["bag"] == "site/v2"
    assert turns.replicate("site", BOTH).lines[0].brought == ("site/v2",)
    assert turns.tag_side("one", "site/v2").keys() >= {"seal.json"}
    assert turns.payload("one", "site/v2")["data/new.html"] == b"second state"


def test_loss_is_measured_by_a_bag_whose_disk_is_in_the_drawer(turns):
    from strongroom.core.errors import RefusedError

    swap(turns, None, "one")
    turns.archive("site", BOTH)
    swap(turns, "one", "two")
    for number in range(6):
        (turns.source("site") / f"{number}.html").unlink()
    with pytest.raises(RefusedError, match="6 of the 12 files of site/v1"):
        turns.archive("site", BOTH)


def test_what_cannot_be_brought_until_both_are_attached_is_said(turns):
    swap(turns, None, "one")
    turns.archive("site", BOTH)
    (turns.source("site") / "3.html").unlink()
    swap(turns, "one", "two")
    report = turns.replicate("site", BOTH)
    assert (report.exit_status, turns.bags("two")) == (0, [])
    (waits,) = [finding for finding in report.findings if finding.code.label == "replica-waits"]
    assert "data/3.html" in waits.message
    assert "store-one" in waits.message
    assert report.lines[1].waiting == ("site/v1",)
    turns.attach("one")
    assert [line.brought for line in turns.replicate("site", BOTH).lines] == [(), ("site/v1",)]
    assert turns.payload("two", "site/v1")["data/3.html"] == b"first state 3"


def test_a_spool_carries_what_the_source_has_no_more_and_is_emptied_after(turns):
    swap(turns, None, "one")
    turns.archive("site", BOTH)
    turns.replicate("site", BOTH, spool_bytes=1 << 20)
    spool = turns.root / "home/spool"
    assert 0 < sum(path.stat().st_size for path in spool.rglob("*.tar")) < 1 << 20
    (turns.source("site") / "3.html").unlink()
    swap(turns, "one", "two")
    assert turns.replicate("site", BOTH, spool_bytes=1 << 20).lines[1].brought == ("site/v1",)
    assert turns.payload("two", "site/v1")["data/3.html"] == b"first state 3"
    assert list(spool.iterdir()) == []


def test_a_spool_keeps_within_its_bounds(turns):
    for number in range(40):
        turns.write("site", f"more/{number}", b"%d" % number * 3000)
    swap(turns, None, "one")
    turns.archive("site", BOTH)
    turns.replicate("site", BOTH, spool_bytes=60_000)
    used = sum(path.stat().st_size for path in (turns.root / "home/spool").rglob("*") if path.is_file())
    assert 10_000 < used <= 60_000
    turns.replicate("site", BOTH, spool_bytes=60_000)
    assert sum(path.stat().st_size for path in (turns.root / "home/spool").rglob("*") if path.is_file()) <= 60_000


def test_ten_cycles_of_a_source_that_grows(turns):
    attached = None
    for cycle in range(10):
        disk = BOTH[cycle % 2]
        swap(turns, attached, disk)
        attached = disk
        turns.write("site", f"cycle-{cycle}.html", b"what came in cycle %d" % cycle)
        assert turns.archive("site", BOTH).bag == f"site/v{cycle + 1}"
        report = turns.replicate("site", BOTH)
        assert report.exit_status == 0
        assert turns.bags(disk) == sorted(f"site/v{number + 1}" for number in range(cycle + 1))
        assert not any(finding.code.label == "replica-waits" for finding in report.findings)
    swap(turns, "two", "one")
    turns.replicate("site", BOTH)
    turns.attach("two")
    for number in range(10):
        bag = f"site/v{number + 1}"
        assert turns.tag_side("one", bag) == turns.tag_side("two", bag)
        assert turns.payload("one", bag) == turns.payload("two", bag)
        assert len(turns.payload("one", bag)) == 13 + number
    kept = {path.parent.name for path in (turns.root / "home/kept").glob("bags/site/*/seal.json")}
    turns.replicate("site", BOTH)
    assert {path.parent.name for path in (turns.root / "home/kept").glob("bags/site/*/seal.json")} == {"v10"} <= kept

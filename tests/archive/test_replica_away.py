"""A replica that should be there and is not keeps no bag from being made, unless it may hold one that the next has to follow."""

from __future__ import annotations

import json

import pytest

from strongroom.collections.load import load
from strongroom.core.errors import StoreUnreachableError, WrongStoreError
from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import init_store
from strongroom.usecases.context import Context
from strongroom.usecases.replicate import after
from strongroom.usecases.replicate.after import archive_and_replicate


@pytest.fixture
def two(site):
    """The site with a replica, and its first bag in both."""
    init_store(str(site.root / "replica"))
    site.store_url = f"'{site.store}', '{site.root / 'replica'}'"
    assert run(site).exit_status == 0
    return site


def run(site, **options):
    return archive_and_replicate(load(site.manifest()), Context(site.root / site.home), site.runner, **options)


def sealed(folder):
    return sorted(path.parent.name for path in folder.glob("bags/site/*/seal.json"))


def away(site, name="replica"):
    (site.root / name).rename(site.root / f"{name} away")


def back(site, name="replica"):
    (site.root / f"{name} away").rename(site.root / name)


def test_the_bag_is_made_the_replica_is_said_and_the_next_run_brings_it(two):
    away(two)
    two.write("index.html", "changed")
    report = run(two)
    assert (report.outcome, report.bag, report.exit_status) == ("sealed", "site/v2", 3)
    assert "store-skipped" in two.codes(report)
    assert [line.waiting for line in report.replication.lines if not line.attached] == [("site/v2",)]
    assert sealed(two.store) == ["v1", "v2"]
    back(two)
    assert (run(two).outcome, sealed(two.root / "replica")) == ("unchanged", ["v1", "v2"])


def test_told_not_to_replicate_nothing_is_left_undone(two):
    away(two)
    two.write("index.html", "changed")
    report = run(two, replicas=False)
    assert (report.bag, report.exit_status, two.codes(report)) == ("site/v2", 0, ["store-skipped"])
    assert report.notes == (f"still to be replicated to {(two.root / 'replica').as_uri()}",)


def test_said_once_to_a_person(two, capsys):
    away(two)
    with LocalRunner(1) as shown:
        archive_and_replicate(load(two.manifest()), Context(two.root / two.home), shown)
    assert capsys.readouterr().err.count("[store-skipped]") == 1


def test_another_disk_in_its_place_is_passed_over_as_well_and_left_alone(two):
    away(two)
    init_store(str(two.root / "replica"))
    two.write("index.html", "changed")
    assert (run(two).bag, sealed(two.root / "replica")) == ("site/v2", [])


def test_the_first_store_is_needed(two):
    away(two, "store")
    two.write("index.html", "changed")
    with pytest.raises(WrongStoreError):
        run(two)
    assert sealed(two.root / "replica") == ["v1"]


def test_a_replica_that_was_never_met_may_hold_bags(two):
    two.home = "second home"
    away(two)
    two.write("index.html", "changed")
    with pytest.raises(StoreUnreachableError, match="Nothing is known here of what it holds"):
        run(two)
    assert sealed(two.store) == ["v1"]


def test_before_the_first_bag_every_store_is_asked(two):
    two.name = "other"
    away(two)
    with pytest.raises(StoreUnreachableError, match="whether it holds bags of other already is not known"):
        run(two)
    assert not (two.store / "bags/other").exists()


def test_where_the_last_bag_was_made_others_may_have_been_made_since(two):
    """Two installations that name their stores in opposite orders: whichever store is away, at most one of them goes on."""
    first = two.store_url
    other = f"'{two.root / 'replica'}', '{two.store}'"
    two.home, two.store_url = "second home", other
    two.write("index.html", "changed")
    assert (run(two).bag, sealed(two.store)) == ("site/v2", ["v1", "v2"])
    two.home, two.store_url = "home", first
    two.write("index.html", "changed again")
    away(two)
    with pytest.raises(StoreUnreachableError, match="site/v2 was made there"):
        run(two)
    assert sealed(two.store) == ["v1", "v2"]
    back(two)
    away(two, "store")
    two.home, two.store_url = "second home", other
    assert (run(two).bag, sealed(two.root / "replica")) == ("site/v3", ["v1", "v2", "v3"])


def test_a_last_bag_that_only_the_replica_holds_is_waited_for(two):
    two.write("index.html", "changed")
    assert run(two).bag == "site/v2"
    for lost in (two.store / "bags/site/v2/seal.json", two.root / "home/kept/bags/site/v2/seal.json"):
        lost.unlink()
    away(two)
    two.write("index.html", "changed again")
    with pytest.raises(StoreUnreachableError, match="site/v2 is known to lie"):
        run(two)
    assert sealed(two.store) == ["v1"]


@pytest.mark.parametrize("broken", ["replica/content", "replica/log", "home/kept/stores"])
def test_whatever_becomes_of_the_replica_the_bag_is_said(two, broken):
    """`content` fails while the bag is brought there, `log` before that, and what is kept at home before anything."""
    place = two.root / broken
    place.mkdir(exist_ok=True)
    place.rename(two.root / "aside")
    place.write_bytes(b"no folder")
    two.write("large", b"\xff" * (6 << 20))
    report = run(two)
    assert (report.bag, report.exit_status) == ("site/v2", 3)
    assert report.summary()[0] == "site/v2 sealed."
    assert broken in str([str(one) for one in report.replication.findings])
    assert json.loads(json.dumps(report.to_json()))["replication"]["findings"]
    place.unlink()
    (two.root / "aside").rename(place)
    assert (run(two).exit_status, sealed(two.root / "replica")) == (0, ["v1", "v2"])


def test_who_does_not_wait_for_the_replica_is_told_of_the_bag(two, monkeypatch, capsys):
    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    two.write("index.html", "changed")
    monkeypatch.setattr(after, "replicate", interrupted)
    with pytest.raises(KeyboardInterrupt), LocalRunner(1) as shown:
        archive_and_replicate(load(two.manifest()), Context(two.root / two.home), shown)
    assert "site/v2 sealed." in capsys.readouterr().err

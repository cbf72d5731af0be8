"""Two disks that are mounted at one place, never together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from strongroom.catalogue import Catalogue
from strongroom.collections.load import load
from strongroom.core.errors import StoreError, UsageError
from strongroom.stores.describe import init_store
from strongroom.usecases.archive.run import archive
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.due.run import due
from strongroom.usecases.status.run import status

DISKS = ["red", "blue"]


class Usb:
    """A mount point, and the disks that lie in the drawer."""

    def __init__(self, place):
        self.place, self.mount, self.ids = place, place.root / "usb", {}
        self.attached = None
        for disk in DISKS:
            (place.root / disk).mkdir()
            self.ids[disk] = init_store(str(place.root / disk)).id

    def plug(self, disk):
        if self.attached:
            self.mount.rename(self.place.root / self.attached)
        (self.place.root / disk).rename(self.mount)
        self.attached = disk

    def unplug(self):
        self.mount.rename(self.place.root / self.attached)
        self.attached = None

    def manifest(self, ids=True, offline="true"):
        entries = [f"  - {{url: {self.mount}, offline: {offline}{f', id: {self.ids[disk]}' if ids else ''}}}\n" for disk in DISKS]
        file = self.place.root / "site.yaml"
        file.write_text(f"collection: site\nsource: {self.place.source('site')}\nstores:\n{''.join(entries if ids else entries[:1])}")
        return load(file)


@pytest.fixture
def usb(place, monkeypatch):
    monkeypatch.setenv("STRONGROOM_MANIFESTS", str(place.root / "manifests"))
    return Usb(place)


def test_four_cycles_of_two_disks_keep_both_whole_and_audited(usb):
    place = usb.place
    place.write("site", "start", b"where it began")
    for cycle in range(4):
        disk = DISKS[cycle % 2]
        usb.plug(disk)
        place.write("site", f"{cycle}", b"what came in cycle %d" % cycle)
        made = archive(usb.manifest(), place.context, place.runner)
        assert (made.exit_status, str(made.bag)) == (0, f"site/v{cycle + 1}")
        report = due([usb.manifest()], place.context, place.runner)
        assert report.exit_status == 0, report.summary()
        here, away = sorted(report.replicate.lines, key=lambda line: not line.attached)
        assert usb.ids[disk] in here.store and usb.ids[DISKS[1 - cycle % 2]] in away.store
        assert (here.waiting, away.attached, away.waiting) == ((), False, (f"site/v{cycle + 1}",))
        assert [one.reached for one in report.audits[0].stores].count(True) == 1
        sealed = sorted(path.parent.name for path in usb.mount.glob("bags/site/*/seal.json"))
        assert sealed == [f"v{number + 1}" for number in range(cycle + 1)]
    usb.unplug()
    with Catalogue.open(place.context.catalogue) as catalogue:
        assert sorted(row.id for row in catalogue.stores()) == sorted(usb.ids.values())
        assert {len([bag for bag in catalogue.bags("site") if one in bag.stores]) for one in usb.ids.values()} == {3, 4}
    usb.plug("red")
    assert due([usb.manifest()], place.context, place.runner).exit_status == 0
    (site,) = status(place.context).collections
    assert [replica.id for replica in site.replicas] == [usb.ids[disk] for disk in DISKS]
    assert [replica.held for replica in site.replicas] == [4, 4]
    # Each is missed on its own day.
    later = status(place.context, now=datetime.now(UTC) + timedelta(days=100))
    assert all(any(one in str(finding) for finding in later.findings) for one in usb.ids.values())


def test_both_away_is_no_error_and_both_are_said(usb):
    place = usb.place
    place.write("site", "a", b"a")
    usb.plug("red")
    archive(usb.manifest(), place.context, place.runner)
    usb.unplug()
    report = due([usb.manifest()], place.context, place.runner)
    assert report.exit_status == 0
    absent = [finding.place for finding in report.replicate.findings if finding.code.label == "store-absent"]
    assert len(absent) == 2 and all(any(one in place for place in absent) for one in usb.ids.values())


def test_the_disk_that_is_there_is_audited_by_its_url(usb):
    place = usb.place
    place.write("site", "a", b"a")
    for disk in DISKS:
        usb.plug(disk)
        archive(usb.manifest(), place.context, place.runner)
        due([usb.manifest()], place.context, place.runner)
    for disk in DISKS:
        usb.plug(disk)
        report = audit(AuditRequest(stores=(str(usb.mount),)), place.context, place.runner)
        assert (report.exit_status, [one.id for one in report.stores]) == (0, [usb.ids[disk]])


def test_without_an_id_another_disk_is_refused(usb):
    place = usb.place
    place.write("site", "a", b"a")
    usb.plug("red")
    archive(usb.manifest(ids=False), place.context, place.runner)
    usb.plug("blue")
    with pytest.raises(StoreError, match=r"none of its stores \(1\) is attached"):
        archive(usb.manifest(ids=False), place.context, place.runner)
    assert not list(usb.mount.glob("bags/*"))


def test_an_entry_that_does_not_choose_between_disks_that_take_turns_is_refused(usb):
    place = usb.place
    place.write("site", "a", b"a")
    for disk in DISKS:
        usb.plug(disk)
        archive(usb.manifest(), place.context, place.runner)
        due([usb.manifest()], place.context, place.runner)
    report = due([usb.manifest(ids=False)], place.context, place.runner)
    assert any("say in the collection manifest which is meant" in finding.message for finding in report.replicate.findings)


@pytest.mark.parametrize("entries", [
    "[{url: usb, offline: true}, {url: usb}]",
    "[{url: usb, offline: true, id: 00000000000000000000000000000001}, {url: usb, offline: true}]",
    "[{url: usb, id: a0000000000000000000000000000001}, {url: usb, offline: true, id: a0000000000000000000000000000002}]",
    "[{url: usb, offline: true, id: a0000000000000000000000000000001}, {url: usb2, offline: true, id: a0000000000000000000000000000001}]",
    "[{url: usb, offline: true, id: short}]",
])
def test_entries_that_cannot_be_told_apart_are_refused(tmp_path, entries):
    (tmp_path / "source").mkdir()
    file = tmp_path / "m.yaml"
    file.write_text(f"collection: site\nsource: source\nstores: {entries}\n")
    with pytest.raises(UsageError, match=r"m.yaml:3: stores\[[01]\]"):
        load(file)

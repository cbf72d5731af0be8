"""A bucket under retention: what is written is kept, what bags need is extended, and whoever wants it gone is told until when it stays."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import StoreRefusedError
from strongroom.core.findings import Code
from strongroom.core.keys import StoreKey
from strongroom.core.retention import Lock, Retention
from strongroom.stores.describe import open_known_store
from strongroom.stores.open import StoreOptions
from strongroom.stores.s3 import S3Settings, S3Store
from strongroom.usecases.due.run import due
from strongroom.usecases.repair.run import repair
from strongroom.usecases.retain.run import retain
from strongroom.usecases.status import status
from strongroom.usecases.sweep.run import sweep
from tests.fixtures.reports import check
from tests.fixtures.seaweedfs import S3Server
from tests.retain.conftest import Site, forbid

pytestmark = pytest.mark.s3
LARGE = b"a film that is longer than a pack takes " * (1 << 17)


def fill(site: Site) -> None:
    for number in range(5):
        site.write("news", f"{number}.html", b"page %d" % number * 40)
    site.write("news", "film.bin", LARGE)


def test_everything_works_where_nothing_can_be_deleted(site: Site) -> None:
    """COMPLIANCE, and a policy that lets nobody delete: archive, replicate, audit, repair, withhold."""
    fill(site)
    began = datetime.now(UTC)
    assert site.archive("news").outcome == "sealed"
    locks = site.locks()
    ours = {key for key in locks if key.startswith(("bags/", "packs/", "content/", "log/"))}
    assert len(ours) > 10
    for key in ours:
        mode, until = locks[key]
        assert mode == "COMPLIANCE" and timedelta(days=30) <= until - began < timedelta(days=31), key
    assert site.replicate("news").exit_status == 0
    assert site.audit().exit_status == 0
    pack = next(key for key in ours if key.endswith(".tar"))
    data = site.client.get_object(Bucket=site.bucket, Key=f"archive/{pack}")["Body"].read()
    site.client.put_object(Bucket=site.bucket, Key=f"archive/{pack}", Body=data[:-600] + b"x" + data[-599:])  # rot: a newer version
    assert site.audit().exit_status == 1
    assert repair(site.context, site.runner, stores=[site.url]).exit_status == 0
    assert f"{pack}~1" in site.listed() and site.locks()[f"{pack}~1"][0] == "COMPLIANCE"
    assert site.audit().exit_status == 0
    site.write("maps", "a.map", b"a map")  # made in the folder first, and brought
    assert site.archive("maps", disk_first=True).outcome == "sealed"
    assert [line.brought for line in site.replicate("maps", disk_first=True).lines if line.brought] == [("maps/v1",)]

    report = site.withhold("news", "*")
    assert report.exit_status == 0 and report.done
    film = keys.content(Digest.of(LARGE)).text
    locked = {one.key: one for one in report.locked}
    assert {film, pack, f"{pack}~1"} <= set(locked) and {one.store for one in report.locked} == {site.url}
    until = locks[film][1].strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (locked[film].until, locked[film].mode) == (until, "compliance")
    (said,) = [one for one in report.findings if one.code is Code.WITHHELD_LOCKED and film in one.place]
    assert until in said.message and "by nobody" in said.message
    assert any("are locked, the last until" in line for line in report.summary())
    check(report.to_json(), "withhold-report")

    swept = sweep(site.context, site.runner, stores=[site.url], grace_days=0)
    assert swept.exit_status == 3 and film in swept.stores[0].locked
    assert film in site.listed()
    probes = [key for key in site.hidden() if "/probe/" not in key]
    assert probes == []


def test_what_bags_need_is_extended_and_what_is_withheld_is_not(site: Site) -> None:
    site.retention = {"mode": "governance", "days": 10}
    fill(site)
    site.archive("news")
    before = site.locks()
    assert site.withhold("news", "film.bin").locked[0].mode == "governance"
    site.retention = {"mode": "governance", "days": 100}
    site.manifest("news")
    film = keys.content(Digest.of(LARGE)).text
    dry = retain(site.context, site.runner, dry_run=True).stores[0]
    assert dry.short == len(site.listed()) - 1 and site.locks()[film] == before[film]
    report = retain(site.context, site.runner)
    assert report.exit_status == 0, report.findings
    after, (one,) = site.locks(), report.stores
    assert one.left == 1 and one.refused == 0 and one.extended == len(after) - 1
    assert after[film] == before[film]  # it is to go when its time is over
    later = datetime.now(UTC) + timedelta(days=99)
    assert all(until > later and mode == "GOVERNANCE" for key, (mode, until) in after.items() if key != film)
    check(report.to_json(), "retain-report")
    again = retain(site.context, site.runner).stores[0]
    assert (again.extended, again.kept) == (0, one.extended)
    site.retention = {"mode": "governance", "days": 5}  # nothing is ever shortened
    site.manifest("news")
    assert retain(site.context, site.runner).stores[0].extended == 0 and site.locks() == after


def test_due_extends_once_in_a_while_and_says_what_it_could_not(site: Site) -> None:
    site.retention = {"mode": "governance", "days": 10}
    site.write("news", "a.html", b"page")
    site.archive("news")
    site.retention = {"mode": "governance", "days": 100}
    manifest = site.manifest("news")
    forbid(site.client, site.bucket, "s3:PutObjectRetention")
    report = due([manifest], site.context, site.runner)
    refused = [one for one in report.retain.findings if one.code is Code.NOT_RETAINED]
    assert report.exit_status == 1 and refused and report.retain.stores[0].refused > 10
    assert len(refused) == 21 and "more objects could not be extended" in refused[-1].message
    site.client.delete_bucket_policy(Bucket=site.bucket)
    assert due([manifest], site.context, site.runner).retain.stores[0].extended > 10
    report = due([manifest], site.context, site.runner)
    assert report.retain.stores == ()  # was looked at a moment ago
    check(report.to_json(), "due-report")
    said = status(site.context)
    check(said.to_json(), "status-report")
    (shown,) = [one for one in said.stores if one.url == site.url]
    facts = "; ".join(shown.facts())
    assert "kept for 100 days in governance mode" in facts and "Object Lock is enabled" in facts and shown.retained is not None
    assert not [one for one in said.findings if "locks (" in one.message]
    late = status(site.context, now=datetime.now(UTC) + timedelta(days=40))
    assert [one for one in late.findings if one.code is Code.OVERDUE and "locks (100 days in governance mode)" in one.message]


def test_uploads_in_parts_are_kept_and_nothing_else_is_cold(site: Site) -> None:
    settings = S3Settings(endpoint_url=site.client.meta.endpoint_url, region="us-east-1", single_put=1 << 20, part=5 << 20,
                          storage_class="DEEP_ARCHIVE", retention=Retention("governance", 3))
    store = S3Store(site.bucket, "parts", settings)
    large, small = keys.content(Digest.of(LARGE)), StoreKey("bags/a/v1/seal.json")
    store.put_stream(large, io.BytesIO(LARGE), len(LARGE), sha256=Digest.of(LARGE))
    store.put(small, b"{}", sha256=Digest.of(b"{}"))
    for key, cold in ((large, "DEEP_ARCHIVE"), (small, None)):
        head = site.client.head_object(Bucket=site.bucket, Key=f"parts/{key}")
        assert head["ObjectLockMode"] == "GOVERNANCE" and head.get("StorageClass") == cold
        assert head["ObjectLockRetainUntilDate"] > datetime.now(UTC) + timedelta(days=2)
    lock = store.lock(small)
    assert lock is not None and lock.mode == "governance" and lock.until is not None
    with pytest.raises(StoreRefusedError):
        store.retain(small, replace(lock, until=lock.until - timedelta(days=1)))
    assert store.lock(small) == lock


def test_a_bucket_without_object_lock_is_told_from_a_denial(site: Site, s3_bucket: Callable[[], str], s3_server: S3Server) -> None:
    url = s3_bucket()
    store = S3Store(*url.removeprefix("s3://").split("/"), S3Settings(
        endpoint_url=s3_server.endpoint, region="us-east-1", retention=Retention("compliance", 3)))
    with pytest.raises(StoreRefusedError, match="Object Lock only if"):
        store.put(StoreKey("a"), b"x", sha256=Digest.of(b"x"))
    store.put(StoreKey("probe/a"), b"x", sha256=Digest.of(b"x"))
    assert store.lock(StoreKey("probe/a"), every_version=True) is None
    disk = open_known_store(site.disk, None, StoreOptions())
    assert disk.lock(keys.DESCRIPTION) is None
    with pytest.raises(StoreRefusedError, match="a folder keeps nothing"):
        disk.retain(keys.DESCRIPTION, Lock("governance", datetime.now(UTC)))


def test_a_storage_class_that_the_server_does_not_know_names_the_setting(site: Site) -> None:
    settings = S3Settings(endpoint_url=site.client.meta.endpoint_url, region="us-east-1", storage_class="GLACER")
    store = S3Store(site.bucket, "class", settings)
    with pytest.raises(StoreRefusedError, match="no such storage class; correct `storage_class`"):
        store.put(keys.content(Digest.of(b"x")), b"x", sha256=Digest.of(b"x"))

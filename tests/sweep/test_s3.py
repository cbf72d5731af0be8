"""Sweeps of buckets: versions and Object Lock on a real server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.keys import StoreKey
from strongroom.core.tombstone import Action
from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import open_known_store
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.sweep.run import sweep
from tests.fixtures.seaweedfs import S3Server
from tests.fixtures.tombstones import write_tombstone
from tests.replicate.conftest import Place
from tests.sweep.test_sweep import PAGE, worse_than_notes

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def runner(s3_bucket: Callable[[], str]) -> Iterator[LocalRunner]:
    """Workers that are started when the server's credentials are set."""
    with LocalRunner(2, quiet=True) as local:
        yield local


LARGE = b"a large withheld film " * (5 << 16)


def bucket(place: Place, s3_server: S3Server, name: str) -> str:
    client = s3_server.client()
    client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    place.add_store("three", f"s3://{name}/x")
    place.write("site", "page.html", PAGE)
    place.write("site", "film.bin", LARGE)
    for number in range(40):
        place.write("site", f"{number}.html", b"page %d " % number * 50)
    assert place.archive("site", ["three", "one"]).outcome == "sealed"
    place.replicate("site", ["three", "one"])
    return name


def every_version(s3_server: S3Server, name: str) -> dict[tuple[str, str], bytes]:
    client = s3_server.client()
    found = {}
    for page in client.get_paginator("list_object_versions").paginate(Bucket=name):
        for entry in page.get("Versions", ()):
            body = client.get_object(Bucket=name, Key=entry["Key"], VersionId=entry["VersionId"])["Body"].read()
            found[entry["Key"], entry["VersionId"]] = body
    return found


def unlock(client: S3Client, name: str, key: str) -> None:
    """The lock's time comes: shortened by somebody who may, it is waited for. A date that has passed when it arrives is refused."""
    for seconds in (2, 10, 60):
        soon = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
        with suppress(ClientError):
            client.put_object_retention(
                Bucket=name, Key=key, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": soon}, BypassGovernanceRetention=True)
        until = client.get_object_retention(Bucket=name, Key=key)["Retention"]["RetainUntilDate"]
        if until == soon:
            time.sleep(max(0.0, (until - datetime.now(UTC)).total_seconds()) + 1)
            return
    raise AssertionError(f"locked until {until}")


def withhold(url: str) -> None:
    for data in (PAGE, LARGE):
        write_tombstone(open_known_store(url, None), Digest.of(data), Action.WITHHOLD, "a court said so", ["somebody"])


def test_no_version_of_a_withheld_page_is_left(place: Place, s3_server: S3Server) -> None:
    name = bucket(place, s3_server, "sweep-versions")
    url = place.stores["three"]
    client = s3_server.client()
    film = keys.content(Digest.of(LARGE))
    client.put_object(Bucket=name, Key=f"x/{film}", Body=LARGE)  # a second version, by somebody who replaces
    assert sum(LARGE in data for data in every_version(s3_server, name).values()) == 2
    withhold(url)
    report = sweep(place.context, place.runner, stores=[url], grace_days=0)
    assert report.exit_status == 0, report.findings
    assert not any(LARGE in data or PAGE in data for data in every_version(s3_server, name).values())
    checked = audit(AuditRequest(stores=(url,)), place.context, place.runner)
    assert checked.exit_status == 0 and worse_than_notes(checked) == []


def test_what_is_locked_is_said_with_its_date_and_goes_later(place: Place, s3_server: S3Server) -> None:
    name = bucket(place, s3_server, "sweep-locked")
    url = place.stores["three"]
    store = open_known_store(url, None)
    client = s3_server.client()
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    film = keys.content(Digest.of(LARGE))
    client.put_object_retention(Bucket=name, Key=f"x/{film}", Retention={"Mode": "GOVERNANCE", "RetainUntilDate": until})
    withhold(url)
    report = sweep(place.context, place.runner, stores=[url], grace_days=0)
    assert report.exit_status == 3
    assert report.stores[0].locked == {film.text: until.strftime("%Y-%m-%dT%H:%M:%SZ")}
    assert store.head(film).size == len(LARGE)  # whole, and not hidden
    assert not any(PAGE in data for data in every_version(s3_server, name).values())  # what is not locked has gone
    assert sweep(place.context, place.runner, stores=[url], grace_days=0).exit_status == 3
    unlock(client, name, f"x/{film}")
    report = sweep(place.context, place.runner, stores=[url], grace_days=0)
    assert report.exit_status == 0, report.findings
    assert not any(LARGE in data for data in every_version(s3_server, name).values())
    assert not any(stat.key == film for stat in store.list("content/"))
    assert any(stat.key == StoreKey("sweep/000000000001/done.json") for stat in store.list("sweep/"))

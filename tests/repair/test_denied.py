"""Repair on a bucket whose objects can be neither replaced nor removed."""

from __future__ import annotations

import os
import random

import pytest

from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import init_store
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.repair.run import repair
from tests.repair.locked import Locked, lock
from tests.replicate.conftest import Place


@pytest.fixture
def locked_bucket(s3_server, s3_bucket):
    """A bucket with Object Lock: what is written stays for a day, whoever asks. Its name."""
    s3_bucket()  # for the AWS_ variables
    return lock(s3_server.client())


@pytest.mark.s3
def test_repair_replaces_and_removes_nothing(place, locked_bucket, s3_server):
    client = s3_server.client()
    with LocalRunner(1, quiet=True) as place.runner:  # its processes have the credentials
        place.stores["bucket"] = f"s3://{locked_bucket}/archive"
        init_store(place.stores["bucket"])
        stores = ["one", "bucket"]
        for number in range(20):
            place.write("site", f"{number}.html", b"page %d" % number * 40)
        place.write("site", "large", os.urandom(5 << 20))
        place.archive("site", stores)
        place.replicate("site", stores)
        keys = [item["Key"] for item in client.list_objects_v2(Bucket=locked_bucket)["Contents"]]
        hurt = [next(key for key in keys if part in key) for part in (".tar", "/content/", "manifest-sha256.txt", "seal.json")]
        for key in hurt:  # rot, which no lock prevents: here a newer version
            data = bytearray(client.get_object(Bucket=locked_bucket, Key=key)["Body"].read())
            data[3 if key.endswith("seal.json") else len(data) // 2] ^= 1  # a seal that still makes sense would be a fork
            client.put_object(Bucket=locked_bucket, Key=key, Body=bytes(data))
        before = versions(client, locked_bucket)
        url = place.stores["bucket"]
        assert audit(AuditRequest(stores=(url,)), place.context, place.runner).exit_status == 1
        report = repair(place.context, place.runner, stores=[url])
        assert report.exit_status == 0, report.findings
        assert sorted(report.stores[0].repaired) == sorted(key.removeprefix("archive/") + "~1" for key in hurt)
        after = versions(client, locked_bucket)
        assert before <= after
        made = {key for key, _ in after - before}
        assert not made & {key for key, _ in before}  # no key that was there got another version
        assert removed(client, locked_bucket) == []
        assert audit(AuditRequest(stores=(url,)), place.context, place.runner).exit_status == 0
        place.lose("one")
        for path in place.source("site").iterdir():
            path.unlink()
        init_store(str(place.folder("one")))
        (place.root / "home").rename(place.root / "old home")
        assert place.replicate("site", stores).lines[0].brought == ("site/v1",)
        assert len(place.payload("one", "site/v1")) == 21


def versions(client, bucket):
    """(key, version id) of everything."""
    pages = client.get_paginator("list_object_versions").paginate(Bucket=bucket)
    return {(item["Key"], item["VersionId"]) for page in pages for item in page.get("Versions", [])}


def removed(client, bucket):
    """What was hidden by a delete marker, but for the probes of `store init`."""
    markers = client.list_object_versions(Bucket=bucket).get("DeleteMarkers", [])
    return [item["Key"] for item in markers if "/probe/" not in item["Key"]]


@pytest.mark.s3
@pytest.mark.slow
def test_mixed_faults(tmp_path, locked_bucket, s3_server):
    """Twice forty, of every kind of object and way of damage; `python -m tests.repair.locked` makes a thousand."""
    with LocalRunner(1, quiet=True) as runner:
        place = Place(tmp_path, runner)
        place.add_store("one")
        locked = Locked(place, s3_server.client(), locked_bucket, random.Random(4))
        locked.fill(6)
        for _ in range(2):
            locked.round(40)
        locked.restores()
    assert locked.wrong == []
    assert sum(locked.made.values()) == 80
    assert len({what.partition(" ")[2] for what in locked.made}) >= 9

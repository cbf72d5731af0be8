"""A bucket with Object Lock that nobody may delete from, as a store with a policy, beside a folder."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from strongroom.core.tombstone import Action
from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import init_store
from strongroom.usecases.archive.run import archive
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.replicate.run import replicate
from strongroom.usecases.withheld.request import WithholdRequest
from strongroom.usecases.withheld.run import withhold
from tests.fixtures.premises import Premises
from tests.fixtures.seaweedfs import S3Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass
class Site(Premises):
    client: S3Client
    bucket: str
    retention: dict[str, Any] | None
    storage_class: str | None = None

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/archive"

    @property
    def disk(self) -> str:
        return (self.root / "disk").as_uri()

    def manifest(self, name: str, *, disk_first: bool = False) -> Any:
        entry: dict[str, Any] = {"url": self.url}
        if self.retention is not None:
            entry["retention"] = self.retention
        if self.storage_class is not None:
            entry["storage_class"] = self.storage_class
        return self.describe(name, [self.disk, entry] if disk_first else [entry, self.disk])

    def archive(self, name: str, **options: Any) -> Any:
        return archive(self.manifest(name, **options), self.context, self.runner)

    def replicate(self, name: str, **options: Any) -> Any:
        return replicate([self.manifest(name, **options)], self.context, self.runner)

    def audit(self, **options: Any) -> Any:
        return audit(AuditRequest(stores=(self.url,), **options), self.context, self.runner)

    def withhold(self, name: str, path: str) -> Any:
        request = WithholdRequest(Action.WITHHOLD, "asked for by the person", name, paths=(path,))
        return withhold(request, self.context, self.runner, lambda _: True)

    def listed(self) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix="archive/")
        found = [one["Key"].removeprefix("archive/") for page in pages for one in page.get("Contents", ())]
        return [key for key in found if not key.startswith("probe/")]  # which `store init` could not remove

    def head(self, key: str) -> Any:
        return self.client.head_object(Bucket=self.bucket, Key=f"archive/{key}")

    def locks(self) -> dict[str, tuple[Any, Any]]:
        """Mode and date of every object."""
        heads = {key: self.head(key) for key in self.listed()}
        return {key: (head.get("ObjectLockMode"), head.get("ObjectLockRetainUntilDate")) for key, head in heads.items()}

    def hidden(self) -> list[str]:
        """What was deleted: delete markers, and keys of which no version is left cannot be."""
        pages = self.client.get_paginator("list_object_versions").paginate(Bucket=self.bucket)
        return [one["Key"] for page in pages for one in page.get("DeleteMarkers", ())]


def forbid(client: S3Client, bucket: str, *actions: str) -> None:
    """Nobody may do that in the bucket, whatever else they may."""
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": list(actions), "Resource": f"arn:aws:s3:::{bucket}/*"}]}))


@pytest.fixture
def site(tmp_path: Path, s3_server: S3Server, s3_bucket: Callable[[], str]) -> Iterator[Site]:
    s3_bucket()  # for the AWS_ variables
    client, bucket = s3_server.client(), f"kept-{secrets.token_hex(4)}"
    client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    forbid(client, bucket, "s3:DeleteObject", "s3:DeleteObjectVersion")
    with LocalRunner(1, quiet=True) as runner:  # its processes have the credentials
        made = Site(tmp_path, runner, client, bucket, {"mode": "compliance", "days": 30})
        for url in (made.url, made.disk):
            init_store(url)
        yield made

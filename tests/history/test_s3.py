"""A folder and a bucket: the bucket put back to before the last bag is found from the folder alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from strongroom.runner.local import LocalRunner
from tests.fixtures.seaweedfs import S3Server
from tests.history.conftest import Past
from tests.replicate.conftest import Place


@pytest.mark.s3
def test_a_bucket_put_back(tmp_path: Path, s3_bucket: Callable[[], str], s3_server: S3Server) -> None:
    url = s3_bucket()
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    client = s3_server.client()

    def keys() -> set[str]:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
        return {item["Key"] for page in pages for item in page.get("Contents", [])}

    with LocalRunner(1, quiet=True) as runner:  # its processes have the credentials
        past = Past(Place(tmp_path, runner))
        past.place.add_store("one")
        past.place.add_store("bucket", url)
        past.bag("first", "one", "bucket")
        before = keys()
        past.bag("second", "bucket", "one")
        assert past.findings("one", "bucket") == []
        seal = f"{prefix}/bags/site/v1/seal.json"
        data = client.get_object(Bucket=bucket, Key=seal)["Body"].read()
        client.delete_object(Bucket=bucket, Key=seal)
        assert [(one.code.label, one.place) for one in past.findings("one", "bucket")] == [("bag-removed", f"{url}: site/v1")]
        client.put_object(Bucket=bucket, Key=seal, Body=data)
        for key in keys() - before:
            client.delete_object(Bucket=bucket, Key=key)
        assert [(one.code.label, one.place) for one in past.findings("one", "bucket")] == [("store-rolled-back", url)]

"""An archive run sweeps what earlier ones left, and nothing that may be in use."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import init_store
from tests.archive.conftest import Site, runner, site
from tests.faults.s3 import actions
from tests.faults.s3.proxy import Exchange, Fault, Proxy
from tests.fixtures.seaweedfs import S3Server

__all__ = ["runner", "site"]


def test_old_temporaries_go_and_young_ones_stay(site: Site) -> None:
    folder = site.store / ".tmp"
    folder.mkdir(exist_ok=True)
    for name, hours in (("old", 25), ("young", 23)):
        (folder / name).write_bytes(b"cut off")
        then = time.time() - hours * 3600
        os.utime(folder / name, (then, then))
    assert site.run().outcome == "sealed"
    assert [path.name for path in folder.iterdir()] == ["young"]


@pytest.mark.s3
def test_an_archive_run_aborts_uploads_over_a_week_old_and_no_younger_ones(
    site: Site, proxy: Proxy, s3_bucket: Callable[[], str], s3_server: S3Server
) -> None:
    """The server is the real one; only the date at which one of two uploads began is another on the way."""
    site.store_url = s3_bucket()
    init_store(site.store_url)
    bucket, _, prefix = site.store_url.removeprefix("s3://").partition("/")
    client = s3_server.client()
    old, young = (client.create_multipart_upload(Bucket=bucket, Key=f"{prefix}/content/{digits}/{digits * 32}")["UploadId"]
                  for digits in ("ab", "cd"))
    dates = {old: datetime.now(UTC) - timedelta(days=7, hours=1), young: datetime.now(UTC) - timedelta(days=6, hours=23)}

    def age(exchange: Exchange) -> None:
        reply = exchange.forward()
        for upload, began in dates.items():
            text = began.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
            pattern = rb"(<Upload>(?:(?!</Upload>).)*<Initiated>)[^<]*(</Initiated>(?:(?!</Upload>).)*</Upload>)"
            reply.body = re.sub(
                pattern, lambda match, upload=upload, text=text: match[1] + text + match[2] if upload.encode() in match[0] else match[0],
                reply.body, flags=re.DOTALL)
        reply = reply.without("content-length")
        reply.headers.append(("Content-Length", str(len(reply.body))))
        exchange.reply(reply)

    with LocalRunner(1, quiet=True) as site.runner, proxy.doing(fault := Fault(age, actions.request("GET", r"[?&]uploads"), 10**9)):
        assert site.run().outcome == "sealed"
    assert fault.done >= 1
    left = {upload["UploadId"] for upload in client.list_multipart_uploads(Bucket=bucket, Prefix=prefix).get("Uploads", [])}
    assert left == {young}

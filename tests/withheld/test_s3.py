"""A page is taken down in a folder and a bucket."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from strongroom.core.digests import Digest
from strongroom.core.outcomes import CheckOutcome
from strongroom.core.tombstone import Action
from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import init_store
from strongroom.usecases.repair.run import repair
from tests.fixtures.seaweedfs import S3Server
from tests.withheld.site import HEX, PAGE, Site, codes, everything


class Bucket:
    """What lies in it, read without the product's code."""

    def __init__(self, url: str, server: S3Server) -> None:
        self._name, _, self._prefix = url.removeprefix("s3://").partition("/")
        self._client = server.client()

    def objects(self, prefix: str = "") -> dict[str, bytes]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=f"{self._prefix}/{prefix}")
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        return {key.removeprefix(f"{self._prefix}/"): self._client.get_object(Bucket=self._name, Key=key)["Body"].read() for key in keys}

    def contents(self) -> set[str]:
        found = {key.rpartition("/")[2] for key in self.objects("content/")}
        for key, data in self.objects("packs/").items():
            if key.endswith(".tar"):
                with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                    found |= {member.name for member in tar.getmembers()}
        return found


@pytest.fixture
def urls(s3_bucket: Callable[[], str]) -> list[str]:
    made = [s3_bucket(), s3_bucket()]
    for url in made:
        init_store(url)
    return made


@pytest.fixture
def local(urls):
    with LocalRunner(2, quiet=True) as runner:  # its processes have the credentials
        yield runner


@pytest.mark.s3
def test_taken_down_where_the_bucket_is_the_first_store(tmp_path: Path, urls: list[str], local: LocalRunner, s3_server: S3Server) -> None:
    """Withhold, the next crawl, replicas in another bucket and in a folder, restores from each, audits, a repair, and the contrary."""
    site = Site(tmp_path, local)
    first, second = urls
    site.stores["news"] = [first, second, str(site.store("disk"))]
    for number in range(5):
        site.write("news", f"p{number}.html", f"<p>{number}".encode())
    site.write("news", "people/ana.html", PAGE)
    assert site.archive("news").outcome == "sealed"
    assert HEX in Bucket(first, s3_server).contents()
    bags = Bucket(first, s3_server).objects("bags/")

    report = site.withhold("news", paths=["people/ana.html"])
    assert (report.exit_status, report.plan.contents) == (0, 1)
    key = f"withheld/{HEX[:2]}/{HEX}/1"
    assert set(Bucket(first, s3_server).objects("withheld/")) == {f"{key}.json", f"{key}.bags.json"}
    assert Bucket(first, s3_server).objects("bags/") == bags

    site.write("news", "new.html", b"new")
    crawl = site.archive("news", reread=True)
    assert (crawl.outcome, crawl.excluded, codes(crawl)) == ("sealed", {"withheld": 1}, {"source-withheld"})

    replicated = site.replicate("news")
    assert replicated.exit_status == 0, replicated.findings
    other = Bucket(second, s3_server)
    assert {key for key in other.objects("bags/") if key.endswith("seal.json")} == {"bags/news/v1/seal.json", "bags/news/v2/seal.json"}
    assert set(other.objects("withheld/")) == {f"{key}.json", f"{key}.bags.json"}
    assert Digest.of(b"new").hex in other.contents()
    assert HEX not in other.contents()
    assert all(PAGE not in data for data in other.objects().values())
    assert PAGE not in everything(tmp_path / "disk")

    audit = site.audit()
    assert audit.exit_status == 0, audit.findings
    assert [one.outcomes[CheckOutcome.WITHHELD] for one in audit.stores] == [1, 1, 1]
    assert repair(site.context, local).exit_status == 0
    assert HEX not in other.contents()

    site.home = "elsewhere"  # by what lies in the buckets alone
    for number, url in enumerate([first, second]):
        out = site.restore("news", f"out{number}", version=1, source=url)
        assert (out.exit_status, out.written, out.withheld) == (0, 5, 1)
        assert PAGE not in everything(tmp_path / f"out{number}")

    site.home = "home"
    site.withhold("news", paths=["people/ana.html"], action=Action.LIFT)
    audit = site.audit(stores=(second,))
    assert audit.exit_status == 1
    assert "content-missing" in codes(audit)
    assert repair(site.context, local).exit_status == 0
    assert HEX in other.contents()
    assert site.restore("news", "whole", version=1, source=second).written == 6
    assert site.audit(stores=(second,)).exit_status == 0


@pytest.mark.s3
def test_a_bucket_that_had_it_already_learns_of_it_by_replication(
    tmp_path: Path, urls: list[str], local: LocalRunner, s3_server: S3Server
) -> None:
    """Somebody else, with a home of their own, withholds it in the first bucket; the second one gets the tombstone from there."""
    site = Site(tmp_path, local)
    site.stores["news"] = urls
    site.write("news", "a.html", b"another")
    site.write("news", "people/ana.html", PAGE)
    site.archive("news")
    assert site.replicate("news").exit_status == 0
    site.home = "elsewhere"
    site.stores["news"] = urls[:1]
    site.write("news", "b.html", b"more")
    site.archive("news")
    assert site.withhold("news", paths=["people/ana.html"]).stores == (urls[0],)
    site.home = "home"
    site.stores["news"] = urls
    report = site.replicate("news")
    assert report.exit_status == 0, report.findings
    assert len(Bucket(urls[1], s3_server).objects("withheld/")) == 2
    assert site.restore("news", "out", source=urls[1]).withheld == 1
    assert PAGE not in everything(tmp_path / "out")

"""A collection whose source lies in a bucket of the real S3 server, and whose store is a folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from strongroom.collections.load import load
from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import init_store
from strongroom.usecases.archive.report import ArchiveReport
from strongroom.usecases.archive.run import archive
from strongroom.usecases.context import Context
from tests.archive.conftest import Site
from tests.fixtures.seaweedfs import make_bucket

VERSIONED = "strongroom-versions"


@dataclass
class BucketSite(Site):
    """A Site whose `source` is a prefix of a bucket; `client` is a plain client of the server."""

    url: str = ""
    client: Any = None
    options: dict[str, str] = field(default_factory=dict)  # further members of `source`

    @property
    def bucket(self) -> str:
        return self.url.removeprefix("s3://").partition("/")[0]

    def key(self, name: str) -> str:
        return f"{self.url.removeprefix('s3://').partition('/')[2]}/{name}"

    def put(self, name: str, data: bytes | str) -> str:
        """The key."""
        key = self.key(name)
        self.client.put_object(Bucket=self.bucket, Key=key, Body=data)
        return key

    def delete(self, name: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=self.key(name))

    def manifest(self) -> Path:
        file = self.root / f"{self.name}.yaml"
        more = "".join(f", {name}: {value}" for name, value in self.options.items())
        stores = self.store_url or self.store
        file.write_text(
            f"collection: {self.name}\nsource: {{url: '{self.url}'{more}}}\nstores: ['{stores}']\n{self.settings}")
        return file

    def run(self, **options: bool) -> ArchiveReport:
        return archive(load(self.manifest()), Context(self.root / self.home), self.runner, **options)


@pytest.fixture(scope="module")
def s3_runner(s3_server):
    """Its workers begin when the environment says where the server is."""
    with LocalRunner(2, quiet=True, first_pause=0.1) as runner:
        yield runner


def made(root: Path, runner: LocalRunner, url: str, client: Any) -> BucketSite:
    site = BucketSite(root, runner, url=url, client=client)
    init_store(str(site.store))
    site.put("index.html", "<!doctype html><title>Home</title><p>Welcome")
    site.put("pages/a.html", "<!doctype html><title>A</title><p>Article")
    site.put("pages/copy of a+b.html", "<!doctype html><title>A</title><p>Article")
    site.put("pages/ünï 100%.html", "<!doctype html><title>U</title>")
    site.put("empty", b"")
    return site


@pytest.fixture
def site(tmp_path, s3_runner, s3_bucket, s3_server):
    return made(tmp_path, s3_runner, s3_bucket(), s3_server.client())


@pytest.fixture(params=["plain", "versioned"])
def either(request, tmp_path, s3_runner, s3_bucket, s3_server):
    """In a bucket without versions, and in one with."""
    url, client = s3_bucket(), s3_server.client()
    if request.param == "versioned":
        make_bucket(client, VERSIONED)
        client.put_bucket_versioning(Bucket=VERSIONED, VersioningConfiguration={"Status": "Enabled"})
        url = f"s3://{VERSIONED}/{url.rpartition('/')[2]}"
    found = made(tmp_path, s3_runner, url, client)
    found.extra["kind"] = request.param
    return found

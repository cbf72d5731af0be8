"""The real server, with a proxy in front of it: in the clear and over TLS."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

import pytest

from tests.faults.s3.proxy import Proxy
from tests.faults.s3.tls import Authority, make_authority
from tests.fixtures.seaweedfs import S3Server


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def proxy(request: pytest.FixtureRequest, s3_server: S3Server, s3_bucket: Callable[[], str], authority: Authority,
          monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """The environment leads to it. In the clear for one half of the tests and over TLS for the other, the same ones every time."""
    encrypted = zlib.crc32(request.node.name.encode()) % 2 == 0
    made = Proxy(s3_server.endpoint, authority.context if encrypted else None)
    monkeypatch.setenv("AWS_ENDPOINT_URL", made.endpoint)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.bundle))
    yield made
    made.close()

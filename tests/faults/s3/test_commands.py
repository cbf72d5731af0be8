"""The short set of the command-line rows; the long one is python -m tests.faults.s3."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.faults.s3 import rows
from tests.faults.s3.proxy import Proxy
from tests.faults.s3.site import Site
from tests.faults.s3.tls import Authority
from tests.fixtures.seaweedfs import S3Server

pytestmark = [pytest.mark.s3, pytest.mark.slow]

SHORT = ("archive: reply to the seal lost", "archive: no deleting, no replacing", "restore: truncated, without length",
         "replicate: reply lost after a write", "fetch: truncated, with length")


@pytest.fixture
def site(tmp_path: Path, s3_server: S3Server, s3_bucket: Callable[[], str], proxy: Proxy, authority: Authority) -> Site:
    return Site(tmp_path / "site", s3_bucket(), s3_server, proxy, authority.bundle, Random(1))


@pytest.mark.parametrize("name", SHORT)
def test_row(site: Site, name: str) -> None:
    assert rows.attempt(next(row for row in rows.ROWS if row.name == name), site) == []


def test_nobody_listens(site: Site) -> None:
    assert rows.refused("archive", site) == []


def test_the_oracle_sees_what_is_wrong(site: Site) -> None:
    """A restore that gives other bytes, a status that is not allowed, a secret left behind: each is a problem."""
    site.expect("archiving", site.archive(direct=True), (0,))
    (site.source / "large.bin").write_bytes(b"changed since")
    site.must_restore()
    site.expect("something", 3, (0,))
    (site.root / "leak").write_text(site.server.secret_key)
    site.restore("again", direct=True)
    assert [problem.split(" ")[0] for problem in site.problems] == ["restore", "something", "the", "restore"]

"""The stores the conformance suite runs against: memory, a real folder, a real S3 server (in two ways of uploading)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from strongroom.stores.file import FileStore
from strongroom.stores.interface import Store
from strongroom.stores.memory import MemoryStore
from strongroom.stores.open import parse_url
from strongroom.stores.ratelimit import RateLimitedStore
from strongroom.stores.retry import RetryingStore
from strongroom.stores.s3 import S3Settings, S3Store

KINDS = ["memory", "file", "file-paced", pytest.param("s3", marks=pytest.mark.s3), pytest.param("s3-parts", marks=pytest.mark.s3),
         pytest.param("s3-retrying", marks=pytest.mark.s3)]


def s3_store(url: str, settings: S3Settings | None = None) -> S3Store:
    location = parse_url(url)
    return S3Store(location.bucket, location.prefix, settings or S3Settings())  # type: ignore[union-attr]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A fresh, empty store."""
    if kind == "memory":
        return MemoryStore()
    if kind.startswith("file"):
        (tmp_path / "root").mkdir()
        plain = FileStore(str(tmp_path / "root"))
        return RateLimitedStore(plain, 1e9) if kind == "file-paced" else plain
    make: Callable[[], str] = request.getfixturevalue("s3_bucket")
    if kind == "s3-parts":
        return s3_store(make(), S3Settings(single_put=100, part=5 * 2**20))
    bucket = s3_store(make())
    return RetryingStore(RateLimitedStore(bucket, 1e9)) if kind == "s3-retrying" else bucket

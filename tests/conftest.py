"""Fixtures for every test."""

from tests.fixtures.prefect_harness import prefect_server
from tests.fixtures.seaweedfs import s3_bucket, s3_server

__all__ = ["prefect_server", "s3_bucket", "s3_server"]

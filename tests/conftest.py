"""Fixtures for every test."""

from tests.fixtures.seaweedfs import s3_bucket, s3_server

__all__ = ["s3_bucket", "s3_server"]

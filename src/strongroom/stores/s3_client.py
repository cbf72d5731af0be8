"""Clients of S3, by boto3. Making one costs a tenth of a second and some 10 MB, which a worker cannot spend on every batch it is sent."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from strongroom.stores.s3 import S3Settings

_RETRIES_INSIDE: Final = 3  # tries of one request by botocore; the wrapper in retry.py does the patient waiting
_KEPT: Final = 8  # clients of a process: one for each store it is asked about


def connect(settings: S3Settings) -> S3Client:
    """A new client. Raises what boto3 does where region, profile or endpoint are wrong."""
    config = Config(
        connect_timeout=settings.connect_timeout, read_timeout=settings.read_timeout, max_pool_connections=settings.connections,
        retries={"mode": "standard", "total_max_attempts": _RETRIES_INSIDE}, tcp_keepalive=True,
        request_checksum_calculation=settings.request_checksum_calculation, response_checksum_validation="when_required",
    )
    return boto3.session.Session().client("s3", endpoint_url=settings.endpoint_url, region_name=settings.region, config=config)


def of_this_process(settings: S3Settings) -> S3Client:
    """The client for these settings, made once; threads share it. Another where the environment, whence credentials come, is another."""
    environment = sorted((name, text) for name, text in os.environ.items() if name.startswith("AWS_"))
    return _made(settings, os.getpid(), tuple(environment))


@lru_cache(maxsize=_KEPT)
def _made(settings: S3Settings, pid: int, environment: tuple[tuple[str, str], ...]) -> S3Client:
    """`pid`: a forked child must not share the parent's connections."""
    return connect(settings)

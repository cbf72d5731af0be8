"""Clients of S3, by boto3. Making one costs a tenth of a second and some 10 MB, which a worker cannot spend on every batch it is sent."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from botocore.awsrequest import AWSRequest
    from mypy_boto3_s3 import S3Client

    from strongroom.stores.s3_connection import S3Settings

_RETRIES_INSIDE: Final = 3  # tries of one request by botocore; the wrapper in retry.py does the patient waiting
_KEPT: Final = 8  # clients of a process: one for each store it is asked about
_DIGEST: Final = "x-amz-checksum-sha256"
_BYTES: Final = "binary/octet-stream"
_UNSIGNED: Final = Config(s3={"payload_signing_enabled": False})


def connect(settings: S3Settings) -> S3Client:
    """A new client. Raises what boto3 does where region, profile or endpoint are wrong."""
    config = Config(
        connect_timeout=settings.connect_timeout, read_timeout=settings.read_timeout, max_pool_connections=settings.connections,
        retries={"mode": "standard", "total_max_attempts": _RETRIES_INSIDE}, tcp_keepalive=True,
        request_checksum_calculation=settings.request_checksum_calculation, response_checksum_validation="when_required",
    )
    client: S3Client = boto3.session.Session().client("s3", endpoint_url=settings.endpoint_url, region_name=settings.region, config=config)
    for operation in ("PutObject", "CreateMultipartUpload", "UploadPart"):
        client.meta.events.register(f"before-call.s3.{operation}", _say_bytes)
    if settings.checks_sha256:
        for operation in ("PutObject", "UploadPart"):
            client.meta.events.register(f"before-sign.s3.{operation}", _sign_digest_alone)
    return client


def _say_bytes(params: dict[str, Any], **_: Any) -> None:
    """What S3 takes an object for of which nothing is said, said of each object and part. Servers that guess instead may take a page for
    something to be shown, or compressed: SeaweedFS compresses what it has no type for, in a third of the time that it takes (0013)."""
    params["headers"].setdefault("Content-Type", _BYTES)


def _sign_digest_alone(request: AWSRequest, **_: Any) -> None:
    """Of a body whose SHA-256 is in the signed header, by which the server checks it, another SHA-256 need not be computed and signed.

    Over TLS botocore does so by itself. Over plain HTTP it would hash each body twice, and so would the server: 30 % of their time."""
    if _DIGEST in request.headers:
        request.context["client_config"] = _UNSIGNED


def connect_control(settings: S3Settings) -> Any:
    """A new client of the service that makes batch jobs, which is AWS's whatever endpoint a store has."""
    config = Config(connect_timeout=settings.connect_timeout, read_timeout=settings.read_timeout,
                    retries={"mode": "standard", "total_max_attempts": _RETRIES_INSIDE})
    return boto3.session.Session().client("s3control", region_name=settings.region, config=config)


def of_this_process(settings: S3Settings) -> S3Client:
    """The client for these settings, made once; threads share it. Another where the environment, whence credentials come, is another."""
    environment = sorted((name, text) for name, text in os.environ.items() if name.startswith("AWS_"))
    return _made(settings, os.getpid(), tuple(environment))


@lru_cache(maxsize=_KEPT)
def _made(settings: S3Settings, pid: int, environment: tuple[tuple[str, str], ...]) -> S3Client:
    """`pid`: a forked child must not share the parent's connections."""
    return connect(settings)

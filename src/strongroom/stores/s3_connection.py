"""A connection to one bucket: its client, and what it raises in our words."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import botocore.exceptions as boto_errors
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError as TransportError

from strongroom.core.errors import NotFoundInStoreError, StoreError, StoreRefusedError, StoreUnreachableError, WrongStoreError
from strongroom.core.plural import sentence
from strongroom.core.retention import Retention
from strongroom.stores import s3_client, s3_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_WRONG_SET_UP: Final = (
    boto_errors.NoCredentialsError, boto_errors.PartialCredentialsError, boto_errors.ProfileNotFound, boto_errors.NoRegionError,
    boto_errors.InvalidRegionError, boto_errors.ParamValidationError, boto_errors.TokenRetrievalError,
    boto_errors.UnauthorizedSSOTokenError,
)
_UNANSWERED: Final = " Is the server running, and is AWS_ENDPOINT_URL, or `endpoint_url` in the collection manifest, its address?"


@dataclass(frozen=True, slots=True)
class S3Settings:
    """How to speak to the server. Credentials, and what is None here, come by the usual AWS means (environment, profile, role)."""

    endpoint_url: str | None = None
    region: str | None = None
    storage_class: str | None = None  # of packs and large contents
    retention: Retention | None = None  # of every object, from when it is written
    request_checksum_calculation: Literal["when_required", "when_supported"] = "when_required"  # we send our own with every upload
    connect_timeout: float = 10.0  # seconds
    read_timeout: float = 60.0  # seconds without a byte
    single_put: int = 64 * 1024**2  # bytes; a longer stream goes in parts
    part: int = 16 * 1024**2  # bytes, the least; grows with the object
    parallel: int = 4  # parts of one upload under way at once: memory is (parallel + 1) × part
    connections: int = 32
    create_only: bool = True  # False: the server was found to ignore If-None-Match, so we look before we write
    checks_sha256: bool = True  # False: the server was found to ignore checksums, so we check before we send
    look_first: bool = True  # before uploading parts in vain; off while the condition on their completion is probed

    def in_parts(self) -> S3Settings:
        """To probe uploads in parts with few bytes: nothing is sent in one request, nothing decided by looking first."""
        return replace(self, single_put=-1, look_first=False)


class RangeError(StoreError):
    """A range that begins at or past the end of the object."""


class S3Connection:
    """To `bucket`, about which messages say `url`. In a process that it was sent to, all copies share a client; threads always do."""

    def __init__(self, bucket: str, url: str, settings: S3Settings) -> None:
        self._bucket = bucket
        self._url = url
        self.settings = settings
        self._lock = threading.Lock()
        self._client: S3Client | None = None
        self._client_pid = 0
        self._sent = False  # from another process, with a batch of work

    @property
    def url(self) -> str:
        return self._url

    @property
    def client(self) -> S3Client:
        with self._lock:
            if self._client is None or self._client_pid != os.getpid():  # a forked child must not share the parent's connections
                with self._translated(None):
                    self._client = self._connect()
                self._client_pid = os.getpid()
            return self._client

    def _connect(self) -> S3Client:
        return s3_client.of_this_process(self.settings) if self._sent else s3_client.connect(self.settings)

    @contextmanager
    def _translated(self, key: object | None) -> Iterator[None]:
        place = self.url if key is None else f"{self.url}/{key}"
        try:
            yield
        except boto_errors.ClientError as error:
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            code = error.response.get("Error", {}).get("Code", "")
            if status == 416:
                raise RangeError(f"{place}: the range begins past the end") from error
            after = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("retry-after", "")
            raise s3_errors.error_for(place, code, status, error.response.get("Error", {}).get("Message", ""), after) from error
        except _WRONG_SET_UP as error:
            raise StoreRefusedError(f"{place}: {sentence(error)} Credentials and region come from environment, profile or role") from error
        except (boto_errors.BotoCoreError, boto_errors.HTTPClientError, TransportError, OSError, ResponseParserError, ValueError) as error:
            # The last two: an answer that was garbled on the way (a length that is no number, a time that is none).
            remedy = _UNANSWERED if isinstance(error, boto_errors.EndpointConnectionError) else ""
            raise StoreUnreachableError(f"{place}: {type(error).__name__}: {error}{remedy}") from error

    def _check_bucket(self) -> None:
        """An answer of 404 may mean a missing bucket or a gateway's broken route; neither must be taken for a missing key."""
        try:
            with self._translated(None):
                self.client.head_bucket(Bucket=self._bucket)
        except NotFoundInStoreError as error:
            raise WrongStoreError(f"{self.url}: there is no such bucket; check the URL, the endpoint and the region") from error
        except StoreRefusedError:
            return  # may read objects but not ask about the bucket: then the bucket is there

"""From a URL to a store, wrapped as it is to be used. The way in for everybody; boto3 is imported only for s3:// URLs."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote, unquote_to_bytes, urlsplit

from strongroom.core.errors import UsageError
from strongroom.core.retention import Retention
from strongroom.core.seconds import seconds
from strongroom.stores.file import FileStore
from strongroom.stores.interface import Store
from strongroom.stores.keyspace import valid_key
from strongroom.stores.pacing import PacedStore
from strongroom.stores.ratelimit import RateLimitedStore
from strongroom.stores.retry import RetryingStore, RetryPolicy

if TYPE_CHECKING:
    from strongroom.stores.s3_batch import S3Batch
    from strongroom.stores.s3_connection import S3Settings
    from strongroom.stores.s3_objects import S3Objects

_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_MAX_PREFIX: Final = 120  # an S3 key has 1,024 bytes, ours up to 900


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """How to reach a store. For S3, what is None comes by AWS's usual means (AWS_ENDPOINT_URL, AWS_REGION, profile), credentials always."""

    endpoint_url: str | None = None
    region: str | None = None
    storage_class: str | None = None  # S3: of new packs and large contents ("STANDARD_IA")
    retention: Retention | None = None  # S3: of new objects, by Object Lock
    request_checksum_calculation: Literal["when_required", "when_supported"] = "when_required"  # as in botocore, for old servers
    connect_timeout: float | None = None  # seconds; None: STRONGROOM_CONNECT_TIMEOUT, or 10
    read_timeout: float | None = None  # seconds without a byte; None: STRONGROOM_READ_TIMEOUT, or 60
    rate_limit: float | None = None  # bytes a second that this process reads and writes together; None: as fast as may be
    retry_seconds: float | None = None  # one call is tried again so long when there is no answer; None: STRONGROOM_RETRY_SECONDS, or 60


DEFAULTS: Final = StoreOptions()


@dataclass(frozen=True, slots=True)
class FileLocation:
    """A folder, absolute."""

    path: str

    @property
    def url(self) -> str:
        return "file://" + quote(os.fsencode(self.path))


@dataclass(frozen=True, slots=True)
class S3Location:
    """A prefix of a bucket; "" or "a/b"."""

    bucket: str
    prefix: str

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


Location = FileLocation | S3Location


def parse_url(url: str) -> Location:
    """Where a store lies. A path without a scheme is a folder. Raises UsageError, saying what is wrong.

    >>> parse_url("file:///disk/my%20archive").path
    '/disk/my archive'
    >>> parse_url("s3://bucket/a/b/")
    S3Location(bucket='bucket', prefix='a/b')
    """
    if not _SCHEME.match(url):
        if not url or "\0" in url:
            raise UsageError(f"{url!r} is no place for a store; give a folder, file:///FOLDER or s3://BUCKET/PREFIX")
        return FileLocation(os.path.abspath(os.path.expanduser(url)))
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise UsageError(f"{url!r}: not a URL: {error}") from error
    if "@" in parts.netloc:
        raise UsageError(f"{parts.scheme}://…@…: credentials do not belong in a URL; they come from environment, profile or role")
    if parts.query or parts.fragment:
        raise UsageError(f"{url!r}: a store's URL has no '?' and no '#' (in a file:// URL they are written %3F and %23)")
    if parts.scheme == "file":
        return _file(url, parts.netloc, parts.path)
    if parts.scheme == "s3":
        return _s3(url, parts.netloc, parts.path)
    raise UsageError(f"{url!r}: stores are file:// or s3://, not {parts.scheme}://")


def _file(url: str, host: str, path: str) -> FileLocation:
    if host not in ("", "localhost") or not path.startswith("/"):
        raise UsageError(f"{url!r}: a file:// URL needs an absolute path after it: file:///disk/archive")
    raw = unquote_to_bytes(path)
    if b"\0" in raw:
        raise UsageError(f"{url!r}: a path cannot hold a NUL")
    return FileLocation(os.path.abspath(os.fsdecode(raw)))


def _s3(url: str, bucket: str, path: str) -> S3Location:
    if not _BUCKET.match(bucket):
        raise UsageError(f"{url!r}: {bucket!r} cannot name a bucket: 3 to 63 of a–z 0–9 . - with a letter or digit first and last")
    prefix = path.strip("/")
    if prefix and (len(prefix) > _MAX_PREFIX or valid_key(prefix) is None):
        raise UsageError(f"{url!r}: the prefix must be at most {_MAX_PREFIX} characters, segments of A–Z a–z 0–9 . _ ~ - "
                         "that neither begin nor end with a full stop")
    return S3Location(bucket, prefix)


def open_store(url: str, options: StoreOptions = DEFAULTS) -> Store:
    """The store at `url`, whatever lies there; nothing is asked of it yet. Known stores are opened by describe.open_known_store."""
    return wrap(open_raw(parse_url(url), options), options)


def wrap(store: Store, options: StoreOptions) -> Store:
    """As slow as wanted, and with the retries that suit it: bytes that are sent again are paid again.

    A folder has no retries: what a disk refuses once it refuses again, and a dying one is not hammered.
    """
    paced = store if options.rate_limit is None else RateLimitedStore(store, options.rate_limit)
    if isinstance(store, FileStore):
        return paced
    return RetryingStore(PacedStore(paced), _policy(options))


def _seconds(given: float | None, variable: str, default: float, *, least: float) -> float:
    """A time limit: as given, else from the environment, else the default. Raises UsageError."""
    return seconds(variable, os.environ.get(variable, ""), default, least=least) if given is None else given


def open_raw(
    location: Location, options: StoreOptions, *, create_only: bool = True, checks_sha256: bool = True, always_in_parts: bool = False
) -> Store:
    """The bare store. The flags say what the server was found to do; `always_in_parts` is for probing uploads in parts with few bytes."""
    if isinstance(location, FileLocation):
        return FileStore(location.path)
    from strongroom.stores.s3 import S3Store  # noqa: PLC0415 - a second of imports that users of disks do not need

    settings = replace(_s3_settings(options), create_only=create_only, checks_sha256=checks_sha256)
    return S3Store(location.bucket, location.prefix, settings.in_parts() if always_in_parts else settings)


def open_objects(bucket: str, prefix: str, options: StoreOptions) -> S3Objects:
    """The objects below a prefix of a bucket (any text, without a slash at its end), to be read; nothing is asked of it yet."""
    from strongroom.stores.s3_objects import S3Objects  # noqa: PLC0415

    return S3Objects(bucket, prefix, _s3_settings(options), _policy(options), options.rate_limit)


def open_batch(bucket: str, options: StoreOptions) -> S3Batch:
    """Batch jobs whose lists and reports lie in a bucket; nothing is asked of it yet."""
    from strongroom.stores.s3_batch import S3Batch  # noqa: PLC0415

    return S3Batch(bucket, _s3_settings(options), _policy(options))


def _policy(options: StoreOptions) -> RetryPolicy:
    return RetryPolicy(total=_seconds(options.retry_seconds, "STRONGROOM_RETRY_SECONDS", 60.0, least=0.0))


def _s3_settings(options: StoreOptions) -> S3Settings:
    from strongroom.stores.s3_connection import S3Settings  # noqa: PLC0415

    return S3Settings(
        endpoint_url=options.endpoint_url, region=options.region, storage_class=options.storage_class, retention=options.retention,
        request_checksum_calculation=options.request_checksum_calculation,
        connect_timeout=_seconds(options.connect_timeout, "STRONGROOM_CONNECT_TIMEOUT", 10.0, least=0.1),
        read_timeout=_seconds(options.read_timeout, "STRONGROOM_READ_TIMEOUT", 60.0, least=0.1),
    )

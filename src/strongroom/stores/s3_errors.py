"""What an answer of an S3 server means in our words. Pure: knows codes and statuses, no client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from strongroom.core.errors import (
    ChecksumRefusedError,
    ColdInStoreError,
    KeyExistsError,
    NotFoundInStoreError,
    SlowDownError,
    StoreError,
    StoreFullError,
    StoreRefusedError,
    StoreUnreachableError,
    WriteConflictError,
    WrongStoreError,
)

_BY_CODE: Final[dict[str, tuple[type[StoreError], str]]] = {
    "NoSuchBucket": (WrongStoreError, "there is no such bucket; check the URL, the endpoint and the region"),
    "NoSuchKey": (NotFoundInStoreError, ""),
    "PreconditionFailed": (KeyExistsError, "exists already"),
    "BadDigest": (ChecksumRefusedError, "the store received other bytes than were announced"),
    "InvalidDigest": (ChecksumRefusedError, "the store received other bytes than were announced"),
    "XAmzContentSHA256Mismatch": (ChecksumRefusedError, "the store received other bytes than were announced"),
    "XAmzContentChecksumMismatch": (ChecksumRefusedError, "the store received other bytes than were announced"),
    "EntityTooLarge": (StoreFullError, "larger than this store can hold"),
    "QuotaExceeded": (StoreFullError, "over quota"),
    "XMinioStorageFull": (StoreFullError, "the server has no space left"),
    "XMinioAdminBucketQuotaExceeded": (StoreFullError, "over quota"),
    "InvalidObjectState": (ColdInStoreError, "in a cold storage class; have it thawed first"),
    "ExpiredToken": (StoreRefusedError, "the credentials have expired; get new ones"),
    "InvalidAccessKeyId": (StoreRefusedError, "the access key is not known there; check AWS_ACCESS_KEY_ID or the profile"),
    "SignatureDoesNotMatch": (StoreRefusedError, "the secret key is wrong; check AWS_SECRET_ACCESS_KEY or the profile"),
    "InvalidStorageClass": (StoreRefusedError, "the server has no such storage class; correct `storage_class` in the collection manifest"),
    "RequestTimeTooSkewed": (StoreRefusedError, "this machine's clock is wrong; set it"),
    "PermanentRedirect": (StoreRefusedError, "the bucket is in another region; set AWS_REGION"),
    "SlowDown": (SlowDownError, "too many requests; try again later"),
    "SlowDownRead": (SlowDownError, "too many requests; try again later"),
    "SlowDownWrite": (SlowDownError, "too many requests; try again later"),
    "ServiceUnavailable": (SlowDownError, "too many requests, or out of service; try again later"),
    "RequestLimitExceeded": (SlowDownError, "too many requests; try again later"),
    "TooManyRequests": (SlowDownError, "too many requests; try again later"),
    "RequestTimeout": (StoreUnreachableError, "the connection stalled"),
    "NoSuchUpload": (StoreUnreachableError, "the upload was swept away meanwhile, or completed with the reply lost"),
}
_BY_STATUS: Final[dict[int, tuple[type[StoreError], str]]] = {
    403: (StoreRefusedError, "permission refused; check the credentials and the bucket's policy"),
    401: (StoreRefusedError, "permission refused; check the credentials"),
    404: (NotFoundInStoreError, ""),
    408: (StoreUnreachableError, "the request timed out"),
    409: (WriteConflictError, "another writer is making it at this moment; try again"),  # neither made nor known to exist
    412: (KeyExistsError, "exists already"),
    413: (StoreFullError, "larger than this store can hold"),
    429: (SlowDownError, "too many requests; try again later"),
    503: (SlowDownError, "too many requests, or out of service; try again later"),
    507: (StoreFullError, "the server has no space left"),
}


def code_of(error: BaseException) -> str:
    """The S3 error code of an answer that became `error`; "" if it was none."""
    response: Any = getattr(error.__cause__, "response", {})
    return str(response.get("Error", {}).get("Code", ""))


def error_for(place: str, code: str, status: int, message: str, after: str = "") -> StoreError:
    """The error for an answer with this S3 error code and HTTP status, about `place`; `after`: its header Retry-After, in seconds."""
    if code in _BY_CODE or status in _BY_STATUS:
        kind, remedy = _BY_CODE.get(code) or _BY_STATUS[status]
    else:
        kind, remedy = (StoreRefusedError, "the server does not do this") if 400 <= status < 500 or status == 501 else (
            StoreUnreachableError, "try again later")
    error = kind(f"{place}: {remedy or 'not there'} ({code} {status}: {message})")
    if isinstance(error, SlowDownError) and after.isdigit():
        error.after = float(after)
    return error


def length_of(reply: Mapping[str, Any], what: str) -> int:
    """The length that an answer to GetObject or HeadObject states. Raises StoreUnreachableError where it states none: the end of such an
    answer cannot be told from a break."""
    if "ContentLength" not in reply:
        raise StoreUnreachableError(f"{what}: the answer does not say how long the object is; try again")
    return int(reply["ContentLength"])

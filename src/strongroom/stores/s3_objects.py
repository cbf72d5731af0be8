"""The objects below a prefix of somebody's bucket, as a collection's source: read, never written. Keys are whatever they chose."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar
from urllib.parse import unquote_to_bytes

from strongroom.core.errors import (
    KeyExistsError,
    NotFoundInStoreError,
    ReplacedInStoreError,
    StoreError,
    StoreRefusedError,
    StoreUnreachableError,
    UnreadableInStoreError,
)
from strongroom.core.objects import Object
from strongroom.stores.ratelimit import bucket_of
from strongroom.stores.retry import RetryPolicy, patiently
from strongroom.stores.s3_connection import RangeError, S3Connection, S3Settings
from strongroom.stores.s3_errors import code_of, length_of

T = TypeVar("T")

_PAGE: Final = 1000  # objects, the most that the protocol allows
#: S3 error codes by which one object is refused, and not its reader.
_THIS_ONE: Final = frozenset({"InvalidObjectState", "AccessDenied", "403"})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class S3Objects(S3Connection):
    """Implements strongroom.sources.objects.Objects. `prefix` is "" or "a/b", any text. `rate`: bytes a second that this process reads."""

    def __init__(self, bucket: str, prefix: str, settings: S3Settings, patience: RetryPolicy, rate: float | None = None) -> None:
        super().__init__(bucket, f"s3://{bucket}/{prefix}".rstrip("/"), settings)
        self._prefix, self._patience, self._rate = prefix, patience, rate
        self._base = prefix + "/" if prefix else ""

    def list(self) -> Iterator[Object]:
        """By versions where the bucket keeps them and they may be listed, else by keys."""
        return self._versions() if self._has_versions() else self._keys()

    def _has_versions(self) -> bool:
        try:
            status = self._ask(None, lambda: self.client.get_bucket_versioning(Bucket=self._bucket)).get("Status")
            if status is None:
                return False
            self._page(self.client.list_object_versions, MaxKeys=1)
        except StoreRefusedError:
            return False  # may not be asked for: the ETag pins an object as well
        return True

    def _keys(self) -> Iterator[Object]:
        token: dict[str, str] = {}
        while True:
            page = self._page(self.client.list_objects_v2, **token)
            yield from self._objects(page, page.get("Contents", ()))
            if not page.get("IsTruncated"):
                return
            token = self._next(token, {"ContinuationToken": page.get("NextContinuationToken", "")})

    def _versions(self) -> Iterator[Object]:
        token: dict[str, str] = {}
        while True:
            page = self._page(self.client.list_object_versions, **token)
            yield from self._objects(page, (one for one in page.get("Versions", ()) if one.get("IsLatest")))
            if not page.get("IsTruncated"):
                return
            try:
                key = _decoded(page, page.get("NextKeyMarker", "")).decode()
            except UnicodeDecodeError as error:
                raise StoreError(f"{self.url}: cannot be listed past the key {error.object!r}, which is not UTF-8") from error
            token = self._next(token, {"KeyMarker": key, "VersionIdMarker": page.get("NextVersionIdMarker", "")})

    def _next(self, before: Mapping[str, str], after: dict[str, str]) -> dict[str, str]:
        """Where to go on. Raises StoreUnreachableError where a server says that there is more, and not where: a list that is cut short must
        not be taken for a whole one, nor one without end be read for ever."""
        after = {name: text for name, text in after.items() if text}
        if not after or after == before:
            raise StoreUnreachableError(f"{self.url}: the server's list says that there is more of it and does not go on")
        return after

    def _page(self, request: Callable[..., Any], **more: object) -> Any:
        # Keys are asked for as URLs have them: as they are, XML cannot hold some, and botocore would replace what is not UTF-8.
        asked = {"Bucket": self._bucket, "Prefix": self._base, "EncodingType": "url", "MaxKeys": _PAGE, **more}
        return self._ask(None, lambda: request(**asked))

    def _objects(self, page: Any, entries: Any) -> Iterator[Object]:
        base = self._base.encode()
        for entry in entries:
            key = _decoded(page, entry["Key"])
            if key.startswith(base):
                yield self._object(key[len(base) :], entry["Size"], entry)

    def _object(self, name: bytes, size: int, said: Any) -> Object:
        etag = said.get("ETag", "")
        if not etag:
            raise StoreRefusedError(f"{self.url}: the server gives no ETag, by which it could be told whether an object was replaced")
        return Object(name, size, _nanoseconds(said["LastModified"]), etag, said.get("VersionId", ""))

    def head(self, name: bytes) -> Object:
        shown = self._shown(name)

        def ask() -> tuple[Any, int]:
            reply = self.client.head_object(Bucket=self._bucket, Key=self._base + shown)
            return reply, length_of(reply, f"{self.url}/{shown}")

        reply, size = self._one(shown, ask)
        return self._object(name, size, reply)

    def get(self, one: Object, start: int, length: int) -> bytes:
        shown = self._shown(one.name)
        asked: dict[str, Any] = {"Bucket": self._bucket, "Key": self._base + shown, "IfMatch": one.etag}
        if one.version:
            asked["VersionId"] = one.version
        if (start, length) != (0, one.size):
            asked["Range"] = f"bytes={start}-{start + length - 1}"

        def read() -> bytes:
            reply = self.client.get_object(**asked)
            with reply["Body"] as body:
                if "Range" in asked and reply["ResponseMetadata"]["HTTPStatusCode"] != 206:
                    raise StoreRefusedError(f"{self.url}: the server ignores ranges: it gave all of {shown}")
                # Not every server heeds a condition.
                if reply.get("ETag") != one.etag or reply.get("ContentLength", length) != length:
                    raise ReplacedInStoreError(f"{self.url}/{shown}: another object than was listed")
                data: bytes = body.read(length)
            if len(data) != length:
                raise StoreUnreachableError(f"{self.url}/{shown}: the stream ended {length - len(data)} bytes short; try again")
            return data

        try:
            data = self._one(shown, read)
        except (KeyExistsError, RangeError) as error:  # 412, as for a condition of a write; 416
            raise ReplacedInStoreError(f"{self.url}/{shown}: another object than was listed") from error
        if self._rate is not None:
            bucket_of(self.url, self._rate).pay(len(data))
        return data

    def _shown(self, name: bytes) -> str:
        """The key below the prefix, as it is asked for and said."""
        try:
            return name.decode()
        except UnicodeDecodeError as error:
            raise NotFoundInStoreError(f"{self.url}: {name!r}: not UTF-8, so no key that could be asked for") from error

    def _one(self, shown: str, call: Callable[[], T]) -> T:
        """What is asked about one object."""
        try:
            return self._ask(shown, call)
        except NotFoundInStoreError:
            self._ask(None, self._check_bucket)
            raise
        except StoreRefusedError as error:
            if code_of(error) in _THIS_ONE:
                raise UnreadableInStoreError(str(error)) from error
            raise

    def _ask(self, shown: str | None, call: Callable[[], T]) -> T:
        def once() -> T:
            with self._translated(shown):
                return call()

        return patiently(self._patience, once)

    def __getstate__(self) -> dict[str, Any]:
        return {"bucket": self._bucket, "prefix": self._prefix, "settings": self.settings, "patience": self._patience, "rate": self._rate}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]
        self._sent = True


def _decoded(page: Any, key: str) -> bytes:
    """A key in a list that was asked for with `encoding-type=url`, which not every server does."""
    return unquote_to_bytes(key.replace("+", " ")) if page.get("EncodingType") == "url" else key.encode()


def _nanoseconds(when: datetime) -> int:
    return (when - _EPOCH) // timedelta(microseconds=1) * 1000

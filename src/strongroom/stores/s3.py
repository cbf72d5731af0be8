"""A store below a prefix of an S3 bucket."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import IO, Any, Final

from strongroom.core.digests import Digest
from strongroom.core.errors import (
    ChecksumRefusedError,
    InvalidValueError,
    KeyExistsError,
    NotFoundInStoreError,
    StoreError,
    StoreFullError,
    StoreRefusedError,
    StoreUnreachableError,
    WriteConflictError,
)
from strongroom.core.keys import StoreKey, is_bulk
from strongroom.core.retention import Lock
from strongroom.core.warmth import Tier, Warmth
from strongroom.stores import s3_errors
from strongroom.stores.checked import check_bytes, checked_chunks
from strongroom.stores.interface import Capabilities, Reader, Stat
from strongroom.stores.keyspace import in_byte_order, split_prefix, valid_key
from strongroom.stores.reader import BoundedReader
from strongroom.stores.s3_connection import RangeError, S3Connection, S3Settings
from strongroom.stores.s3_multipart import MAX_PART, MAX_PARTS, MultipartUpload, part_size
from strongroom.stores.s3_versions import Versions, VersionsUnknownError
from strongroom.stores.s3_warmth import restore_request, warmth_of

__all__ = ["S3Settings", "S3Store"]

_DEFAULTS: Final = S3Settings()


class S3Store(S3Connection):
    """`bucket` must exist; it is never made. `prefix` is "" or "a/b", without a slash at its end."""

    def __init__(self, bucket: str, prefix: str = "", settings: S3Settings = _DEFAULTS) -> None:
        super().__init__(bucket, f"s3://{bucket}/{prefix}".rstrip("/"), settings)
        self._base = prefix + "/" if prefix else ""

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            create_only=self.settings.create_only, checks_sha256=self.settings.checks_sha256, ranges=True,
            max_object=MAX_PARTS * MAX_PART, late_naming=False,
        )

    # -- writing

    def put(self, key: StoreKey, data: bytes | bytearray | memoryview, *, sha256: Digest) -> None:
        if not self.settings.checks_sha256:
            check_bytes(key, data, sha256)
        self._put(key, data if isinstance(data, bytes) else bytes(data), sha256)

    def _put(self, key: StoreKey, data: bytes, sha256: Digest) -> None:
        try:
            with self._stored(key):
                self.client.put_object(
                    Bucket=self._bucket, Key=self._base + key.text, Body=data, ChecksumSHA256=base64.b64encode(sha256.raw).decode(),
                    **self._condition(key), **self._terms(key),
                )
        except ChecksumRefusedError as error:
            check_bytes(key, data, sha256)
            raise StoreUnreachableError(f"{self.url}/{key}: the bytes were damaged on the way to the server, which refused them") from error

    def put_stream(self, key: StoreKey, source: IO[bytes], length: int, *, sha256: Digest) -> None:
        """In one request up to `settings.single_put` bytes, else in parts; then the size is looked at again, since a server may
        answer 200 to a completion that failed.

        In parts, create-only holds as far as the server completes atomically. AWS does; SeaweedFS 4.48 looks, then completes, so that of
        writers that end at the same instant several may be told that they won. Objects of this size are named by their digest or
        lie in one attempt, so such writers wrote the same bytes."""
        if length > MAX_PARTS * MAX_PART:
            raise StoreFullError(f"{self.url}: {key} would have {length} bytes; S3 holds at most {MAX_PARTS * MAX_PART}")
        if length <= self.settings.single_put:
            self._put(key, b"".join(checked_chunks(key, source, length, sha256)), sha256)
            return
        if self.settings.look_first:
            self._refuse_existing(key)
        size = part_size(length, self.settings.part)
        upload = MultipartUpload(
            self.client, self._bucket, self._base + key.text, self.settings.parallel,
            # The checksum S3 computes of such an object is one of its parts' checksums; the digest we know goes beside it.
            create={"Metadata": {"sha256": sha256.hex}, **self._terms(key)}, complete=self._condition(key),
            translated=lambda: self._stored(key),
        )
        upload.run(checked_chunks(key, source, length, sha256, size))
        stored = self.head(key).size
        if stored != length:
            raise ChecksumRefusedError(f"{self.url}: {key} has {stored} bytes after {length} were sent and accepted")

    def receive(self, source: IO[bytes], name: Callable[[], tuple[StoreKey, Digest]]) -> StoreKey:
        raise NotImplementedError("an S3 object is named before its first byte is sent; see capabilities.late_naming")

    def _condition(self, key: StoreKey) -> dict[str, Any]:
        if self.settings.create_only:
            return {"IfNoneMatch": "*"}
        self._refuse_existing(key)
        return {}

    def _refuse_existing(self, key: StoreKey) -> None:
        try:
            self.head(key)
        except NotFoundInStoreError:
            return
        raise KeyExistsError(f"{self.url}: {key} exists already")

    @contextmanager
    def _stored(self, key: StoreKey) -> Iterator[None]:
        """Around requests that write under `_terms`."""
        try:
            with self._translated(key):
                yield
        except StoreRefusedError as error:
            if self.settings.retention is None or s3_errors.code_of(error) != "InvalidRequest":
                raise
            raise StoreRefusedError(
                f"{self.url}/{key}: refused with a retention ({self.settings.retention}). A bucket has Object Lock only if that was "
                f"switched on, mostly when it was made; `strongroom store probe {self.url}` says whether. Without it, take `retention` "
                "out of the collection manifest") from error

    def _terms(self, key: StoreKey) -> dict[str, Any]:
        """Where an object is to lie, and how long it is to be kept. What is only tried out is not kept."""
        terms: dict[str, Any] = {}
        if self.settings.storage_class and is_bulk(key):
            terms["StorageClass"] = self.settings.storage_class
        retention = self.settings.retention
        if retention is not None and not key.text.startswith("probe/"):
            terms |= {"ObjectLockMode": retention.mode.upper(), "ObjectLockRetainUntilDate": retention.until(datetime.now(UTC))}
        return terms

    # -- reading

    def get(self, key: StoreKey, start: int = 0, length: int | None = None, *, uncached: bool = False) -> Reader:
        """`uncached` changes nothing: there is no cache of ours in between."""
        empty = BoundedReader(io.BytesIO(), 0, f"{self.url}/{key}")
        if length == 0:
            self.head(key)
            return empty
        whole = start == 0 and length is None
        wanted: dict[str, Any] = {} if whole else {"Range": f"bytes={start}-{'' if length is None else start + length - 1}"}
        try:
            with self._translated(key):
                reply = self.client.get_object(Bucket=self._bucket, Key=self._base + key.text, **wanted)
        except RangeError:
            return empty
        except NotFoundInStoreError:
            self._check_bucket()  # a gateway that answers 404 to everything is no store
            raise
        if not whole and reply["ResponseMetadata"]["HTTPStatusCode"] != 206:
            reply["Body"].close()
            raise StoreRefusedError(f"{self.url}: the server ignores ranges: it gave all of {key}")
        try:
            length = s3_errors.length_of(reply, f"{self.url}/{key}")
        except StoreUnreachableError:
            reply["Body"].close()
            raise
        return BoundedReader(reply["Body"], length, f"{self.url}/{key}", lambda: self._translated(key))

    def head(self, key: StoreKey) -> Stat:
        try:
            with self._translated(key):
                reply = self.client.head_object(Bucket=self._bucket, Key=self._base + key.text, ChecksumMode="ENABLED")
        except NotFoundInStoreError:
            self._check_bucket()
            raise
        size, checksum = s3_errors.length_of(reply, f"{self.url}/{key}"), reply.get("ChecksumSHA256", "")
        if len(checksum) == 44:  # longer: a checksum of the parts' checksums
            return Stat(key, size, Digest.from_bytes(base64.b64decode(checksum)))
        return Stat(key, size, _noted_digest(reply["Metadata"]))

    def list(self, prefix: str = "") -> Iterator[Stat]:
        """Holds in memory what lies below one name of the folder that is listed (keyspace.in_byte_order)."""
        parts = split_prefix(prefix)
        if parts is None:
            return
        folder, start = parts
        if folder or start:
            yield from in_byte_order(self._list(prefix), folder)
            return
        # Folder by folder at the top, so that not all of packs/ is held.
        tops = [*((stat.key.text, stat) for stat in self._list("", "/")), *((name + "/", None) for name in self.list_folders(""))]
        for name, stat in sorted(tops, key=lambda top: top[0]):
            if stat is not None:
                yield stat
            else:
                yield from self.list(name)

    def _list(self, prefix: str, delimiter: str = "") -> Iterator[Stat]:
        for page in self._pages(prefix, delimiter):
            for entry in page.get("Contents", ()):
                key = valid_key(entry["Key"][len(self._base) :])
                if key is not None:
                    yield Stat(key, entry["Size"], storage_class=entry.get("StorageClass"))

    def list_folders(self, prefix: str) -> Iterator[str]:
        names: Iterable[str] = ()
        if split_prefix(prefix) == (prefix, ""):
            cut = len(self._base) + len(prefix)
            names = (entry["Prefix"][cut:-1] for page in self._pages(prefix, "/") for entry in page.get("CommonPrefixes", ()))
        for name in sorted(names):
            if valid_key(name) is not None:
                yield name

    def _pages(self, prefix: str, delimiter: str) -> Iterator[Any]:
        pages = iter(self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._base + prefix, Delimiter=delimiter))
        while True:
            with self._translated(None):
                page = next(pages, None)
            if page is None:
                return
            yield page

    # -- tending

    def delete(self, key: StoreKey) -> None:
        self.head(key)  # S3 itself says nothing about deleting what is not there
        with self._translated(key):
            self.client.delete_object(Bucket=self._bucket, Key=self._base + key.text)

    def lock(self, key: StoreKey, *, every_version: bool = False) -> Lock | None:
        """Where old versions may not be listed, that of the newest."""
        versions = self._versions(key)
        if every_version:
            with suppress(VersionsUnknownError):
                return versions.longest_lock()
        try:
            return versions.lock()
        except NotFoundInStoreError:
            self._check_bucket()
            raise

    def retain(self, key: StoreKey, lock: Lock) -> None:
        """The newest version."""
        if lock.until is None or lock.mode is None:
            raise ValueError(f"a hold is nobody's policy: {lock}")
        with self._translated(key):
            self.client.put_object_retention(
                Bucket=self._bucket, Key=self._base + key.text,
                Retention={"Mode": "COMPLIANCE" if lock.mode == "compliance" else "GOVERNANCE", "RetainUntilDate": lock.until},
            )

    def warmth(self, key: StoreKey) -> Warmth:
        try:
            with self._translated(key):
                reply = self.client.head_object(Bucket=self._bucket, Key=self._base + key.text)
        except NotFoundInStoreError:
            self._check_bucket()
            raise
        return warmth_of(reply, s3_errors.length_of(reply, f"{self.url}/{key}"))

    def thaw(self, key: StoreKey, warmth: Warmth, tier: Tier, days: int) -> None:
        try:
            with self._translated(key):
                asked: Any = restore_request(warmth.storage_class, tier, days)
                self.client.restore_object(Bucket=self._bucket, Key=self._base + key.text, RestoreRequest=asked)
        except WriteConflictError as error:
            if s3_errors.code_of(error) != "RestoreAlreadyInProgress":
                raise

    def _versions(self, key: StoreKey) -> Versions:
        return Versions(self.client, self._bucket, self._base + key.text, f"{self.url}/{key}", lambda: self._translated(key))

    def erase(self, key: StoreKey) -> bool:
        versions = self._versions(key)
        try:
            versions.erase()
        except VersionsUnknownError:
            self.delete(key)
            return not versions.may_remain()
        return True

    def tidy(self, older_than_seconds: float) -> int:
        limit = datetime.now(UTC) - timedelta(seconds=older_than_seconds)
        aborted = 0
        with self._translated(None):
            for page in self.client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=self._base):
                for upload in page.get("Uploads", ()):
                    if upload["Initiated"] <= limit and upload["Key"].startswith(self._base):
                        with suppress(self.client.exceptions.NoSuchUpload):  # somebody else tidies, too
                            self.client.abort_multipart_upload(Bucket=self._bucket, Key=upload["Key"], UploadId=upload["UploadId"])
                            aborted += 1
        return aborted

    def free_bytes(self) -> int | None:
        return None

    def check_key_space(self) -> tuple[str, ...]:
        """Versioning and Object Lock of the bucket, as far as we may ask."""
        notes = []
        try:
            with self._translated(None):
                state = self.client.get_bucket_versioning(Bucket=self._bucket).get("Status", "Off")
            notes.append(f"versioning is {state.lower()}" + ("" if state == "Enabled" else ": what is deleted is gone at once"))
        except StoreError:
            notes.append("the server does not say whether versioning is enabled")
        try:
            with self._translated(None):
                lock = self.client.get_object_lock_configuration(Bucket=self._bucket)["ObjectLockConfiguration"]
            rule = lock.get("Rule", {}).get("DefaultRetention", {})
            notes.append(f"Object Lock is {lock.get('ObjectLockEnabled', 'off').lower()}, default retention {rule or 'none'}")
        except StoreError:
            notes.append("no Object Lock")
        return tuple(notes)

    def __getstate__(self) -> dict[str, Any]:
        return {"bucket": self._bucket, "prefix": self._base.rstrip("/"), "settings": self.settings}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]
        self._sent = True


def _noted_digest(metadata: dict[str, str]) -> Digest | None:
    try:
        return Digest(metadata["sha256"])
    except (KeyError, InvalidValueError):
        return None

"""Removing an object of a bucket with all its versions. Imports no S3 library."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from strongroom.core.errors import LockedInStoreError, NotFoundInStoreError, StoreError, StoreRefusedError
from strongroom.core.retention import Lock, Mode

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MODES: Final[dict[str, Mode]] = {"GOVERNANCE": "governance", "COMPLIANCE": "compliance"}


class VersionsUnknownError(StoreError):
    """The server has no versions, or does not let us see them."""


@dataclass(frozen=True, slots=True)
class Versions:
    """All versions of one object, delete markers among them: a plain DELETE in a bucket with versions only adds a marker."""

    client: S3Client
    bucket: str
    key: str
    place: str  # for messages
    translated: Callable[[], AbstractContextManager[None]]  # around every request

    def erase(self) -> None:
        """Remove every version. What is locked longest goes first: if that is refused, nothing was removed.

        Whether a lock has ended is the server's to say, whatever our clock says. Raises NotFoundInStoreError, LockedInStoreError,
        StoreRefusedError, VersionsUnknownError.
        """
        versions, markers = self._list()
        if not versions and not markers:
            raise NotFoundInStoreError(f"{self.place}: not there, in any version")
        locks = {version: "" if (lock := self.lock(version)) is None else lock.text for version in versions}
        # Markers last: without them an older version would be seen again.
        for version in (*sorted(versions, key=lambda version: locks[version], reverse=True), *markers):
            try:
                with self.translated():
                    self.client.delete_object(Bucket=self.bucket, Key=self.key, VersionId=version)
            except StoreRefusedError as error:
                if until := locks.get(version):
                    raise LockedInStoreError(f"{self.place}: locked until {until}", until) from error
                raise

    def longest_lock(self) -> Lock | None:
        """That of the version that is kept longest; None if none is. Raises NotFoundInStoreError if nothing but markers is left,
        VersionsUnknownError."""
        versions, _ = self._list()
        if not versions:
            raise NotFoundInStoreError(f"{self.place}: not there, in any version")
        locks = [lock for version in versions if (lock := self.lock(version)) is not None]
        return max(locks, key=lambda lock: (lock.until is None, lock.until), default=None)

    def may_remain(self) -> bool:
        """Whether a bucket keeps old versions of what is deleted. Who may not ask must expect it."""
        try:
            with self.translated():
                return "Status" in self.client.get_bucket_versioning(Bucket=self.bucket)
        except StoreError:
            return True

    def _list(self) -> tuple[list[str], list[str]]:
        """The ids of the versions of exactly this key, and of its delete markers."""
        versions: list[str] = []
        markers: list[str] = []
        pages = iter(self.client.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=self.key))
        while True:
            try:
                with self.translated():
                    page = next(pages, None)
            except (StoreRefusedError, NotFoundInStoreError) as error:
                raise VersionsUnknownError(str(error)) from error
            if page is None:
                return versions, markers
            found = [entry["VersionId"] for entry in page.get("Versions", ()) if entry["Key"] == self.key]
            hidden = [entry["VersionId"] for entry in page.get("DeleteMarkers", ()) if entry["Key"] == self.key]
            versions += found
            markers += hidden
            if not found and not hidden:  # names come in order, and this one's versions come first
                return versions, markers

    def lock(self, version: str | None = None) -> Lock | None:
        """What keeps the version (None: the newest); None if nothing says so. Whether its time is over is the server's to say."""
        which: dict[str, Any] = {} if version is None else {"VersionId": version}
        with self.translated():
            reply = self.client.head_object(Bucket=self.bucket, Key=self.key, **which)
        mode = _MODES.get(reply.get("ObjectLockMode", ""))
        if reply.get("ObjectLockLegalHoldStatus") == "ON":
            return Lock(mode, None)
        until = reply.get("ObjectLockRetainUntilDate")
        return None if until is None else Lock(mode, until)

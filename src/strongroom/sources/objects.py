"""What a source asks of a bucket. Implemented in strongroom.stores.s3_objects, the layer that knows the S3 library."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from strongroom.core.objects import Object


class Objects(Protocol):
    """The objects below a prefix. Safe to use from several threads; can be pickled.

    Every method may raise StoreUnreachableError (no answer; StoreRefusedError: no permission) and WrongStoreError (no such bucket).
    """

    @property
    def url(self) -> str:
        """ "s3://bucket/prefix"."""

    def list(self) -> Iterator[Object]:
        """Every one, once; of versions the newest, and none that is deleted. Memory does not grow with their number."""

    def head(self, name: bytes) -> Object:
        """The one that has this name now. Raises NotFoundInStoreError, UnreadableInStoreError (no permission)."""

    def get(self, one: Object, start: int, length: int) -> bytes:
        """Exactly these bytes of exactly this object. Raises ReplacedInStoreError if its key holds another one now, NotFoundInStoreError,
        UnreadableInStoreError where the server will not give this one (no permission, frozen in a cold storage class)."""

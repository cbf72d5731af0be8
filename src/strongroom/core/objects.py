"""An object of a bucket that is a source."""

from __future__ import annotations

from typing import NamedTuple


class Object(NamedTuple):
    """An object as it was listed, or as it is now. `name` is its key below the prefix, as bytes."""

    name: bytes
    size: int
    modified: int  # nanoseconds since 1970 UTC, by the server's clock
    etag: str
    version: str = ""  # its VersionId, where the bucket has versions; "null" may be replaced in place

    @property
    def pin(self) -> str:
        """Which object it is: its version and its ETag."""
        return f"{self.version}\n{self.etag}"

    @classmethod
    def pinned(cls, name: bytes, size: int, modified: int, pin: str) -> Object:
        version, _, etag = pin.partition("\n")
        return cls(name, size, modified, etag, version)

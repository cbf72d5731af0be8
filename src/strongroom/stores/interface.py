"""What every store promises. One conformance suite (tests/stores/) holds every implementation to these docstrings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Protocol, runtime_checkable

from strongroom.core.digests import Digest
from strongroom.core.keys import StoreKey
from strongroom.core.retention import Lock
from strongroom.core.warmth import Tier, Warmth


@dataclass(frozen=True, slots=True)
class Stat:
    """What a store says about an object without reading it."""

    key: StoreKey
    size: int  # bytes
    sha256: Digest | None = None  # as kept by the store itself, if it keeps one: what the writer said, not a fixity check
    storage_class: str | None = field(default=None, compare=False)  # in a bucket's list


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a store was found to do when it was probed. Never assumed."""

    create_only: bool  # a create-only write refuses an existing key; without it the store can only hold replicas
    checks_sha256: bool  # refuses bytes that do not have the announced digest
    ranges: bool
    max_object: int | None  # bytes; None: no limit known
    late_naming: bool  # `receive` writes each byte once although the key depends on them all
    notes: tuple[str, ...] = ()  # what a person should know, a sentence each


class Reader(Protocol):
    """An open object or a range of it. Close it, or use it as a context manager."""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, b"" at the end. Raises StoreUnreachableError where the stream ends short of its announced length."""

    def readinto(self, buffer: bytearray | memoryview, /) -> int:
        """Fill `buffer` from the front; the number of bytes, 0 at the end."""

    def close(self) -> None: ...
    def __enter__(self) -> Reader: ...
    def __exit__(self, *exc: object) -> None: ...


@runtime_checkable
class Store(Protocol):
    """A map from keys to immutable byte strings. Safe to use from several threads; can be pickled to another process.

    Every method may raise StoreUnreachableError (no answer, no permission, throttled: says nothing about what is there) and
    WrongStoreError (the folder or bucket itself is gone). A store in memory can be pickled within its process only.
    """

    @property
    def url(self) -> str:
        """Where this store was opened, without credentials: "file:///disk/archive", "s3://bucket/prefix"."""

    @property
    def capabilities(self) -> Capabilities: ...

    def put(self, key: StoreKey, data: bytes | bytearray | memoryview, *, sha256: Digest) -> None:
        """Create `key` with `data`, durably: when this returns, the bytes survive a power cut.

        Create-only. Raises KeyExistsError if the key is there (whatever it holds, even if this call itself wrote it and the
        reply was lost: the caller compares), ChecksumRefusedError if the data do not have `sha256`, StoreFullError. After any
        exception the key is either absent or holds exactly `data`.
        """

    def put_stream(self, key: StoreKey, source: IO[bytes], length: int, *, sha256: Digest) -> None:
        """`put` for an object of any size; reads `source` to its end once, in order, with bounded memory.

        Raises as `put`, and ChecksumRefusedError if the source gives more or fewer than `length` bytes. Nothing is left at the key then.
        """

    def receive(self, source: IO[bytes], name: Callable[[], tuple[StoreKey, Digest]]) -> StoreKey:
        """Write `source` to its end, then create the key that `name()` gives, called after the last byte was read. Raises as `put`.

        Only where `capabilities.late_naming`; elsewhere NotImplementedError.
        """

    def get(self, key: StoreKey, start: int = 0, length: int | None = None, *, uncached: bool = False) -> Reader:
        """The object from byte `start`, `length` bytes or to its end. Raises NotFoundInStoreError.

        A range past the end gives what there is. `uncached` asks for the bytes on the medium rather than the page cache, where
        that can be had.
        """

    def head(self, key: StoreKey) -> Stat:
        """Size and, where the store keeps one, digest. Raises NotFoundInStoreError."""

    def list(self, prefix: str = "") -> Iterator[Stat]:
        """Every key that starts with `prefix` (any string), in ascending order of its bytes. Lists nothing that is not a valid key
        and never the store's own temporaries. An error in the middle is raised, never taken for the end."""

    def list_folders(self, prefix: str) -> Iterator[str]:
        """The distinct next segments below `prefix` (which ends with "/" or is empty), in order:
        "bags/" → "mysite", "other". Folders only, not keys."""

    def delete(self, key: StoreKey) -> None:
        """Remove `key`. Only sweeps and the tidying of probes call this. Raises NotFoundInStoreError, StoreRefusedError if not allowed."""

    def erase(self, key: StoreKey) -> bool:
        """Remove `key` with every version of it that the store keeps, also those that are hidden already. Only sweeps call this.

        False if the store does not let us see or remove old versions: then `key` is gone, and what it held may remain in them. Raises
        NotFoundInStoreError if nothing of it is left, LockedInStoreError, before anything was removed, if a version may not be removed
        yet, StoreRefusedError if deleting is not allowed at all.
        """

    def lock(self, key: StoreKey, *, every_version: bool = False) -> Lock | None:
        """What keeps `key` from being removed (its time may be over by now); None if nothing does. Raises NotFoundInStoreError.

        `every_version`: what keeps that one of its versions which is kept longest, hidden ones too.
        """

    def retain(self, key: StoreKey, lock: Lock) -> None:
        """Have `key` kept until `lock.until`. Never shortens: raises StoreRefusedError instead, as where a store has no such thing, or this
        is not allowed. Raises NotFoundInStoreError."""

    def warmth(self, key: StoreKey) -> Warmth:
        """Whether `key` can be read at once. Raises NotFoundInStoreError."""

    def thaw(self, key: StoreKey, warmth: Warmth, tier: Tier, days: int) -> None:
        """Ask for `key`, of which `warmth` was said, out of a cold storage class: a copy that can be read for so many days, some hours
        from now. That costs money. What was asked for already is not asked for again. Raises NotFoundInStoreError, StoreRefusedError."""

    def tidy(self, older_than_seconds: float) -> int:
        """Remove temporaries and unfinished uploads that are older; how many. They are never keys."""

    def free_bytes(self) -> int | None:
        """Space left, or None where there is no such thing."""

    def check_key_space(self) -> tuple[str, ...]:
        """Limits of this place that a person should know (FAT32's 4 GiB, no hard links), a sentence each."""

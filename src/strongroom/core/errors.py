"""Exceptions: machinery that failed or was used wrongly. Bad archives are findings (core.findings), not exceptions."""


class StrongroomError(Exception):
    """Whatever stops a job. The message names what failed, where, and the remedy."""

    exit_status = 3


class UsageError(StrongroomError):
    """Wrong usage or a wrong collection manifest; nothing was done."""

    exit_status = 2


class InvalidValueError(UsageError, ValueError):
    """A domain value (digest, key, path, bag id) that is not one."""


class RefusedError(StrongroomError):
    """A safety rule stopped the job before it stored anything (max_loss, refused metadata, a closed collection)."""

    exit_status = 1


class DamagedBagError(StrongroomError):
    """So little of a bag can be read that the job has no result; the findings before it say what is damaged."""

    exit_status = 1


class SourceError(StrongroomError):
    """The source folder of a collection is not there or cannot be read, as when its disk is not attached."""


class DestinationError(StrongroomError):
    """The folder restored to could not take what was written: full, read-only, failing."""


class StoreError(StrongroomError):
    """A store could not do what it was asked for reasons that say nothing about what lies in it."""


class StoreUnreachableError(StoreError):
    """The store did not answer, refused permission, or timed out. Never means that something is missing."""


class WrongStoreError(StoreError):
    """No store, or another one, lies where a known one was expected (an unplugged disk, a swapped bucket)."""


class ReplacedInStoreError(StoreError):
    """The key holds another object than the one that was asked for by its version or ETag."""


class StoreFullError(StoreError):
    """No space, no inodes, over quota, or the object is larger than the store can hold."""


class NotFoundInStoreError(StoreError):
    """The key does not exist in a store that answered."""


class KeyExistsError(StoreError):
    """A create-only write met a key that is already there. Compare what is there before deciding anything."""


class CondemnedKeyError(KeyExistsError):
    """A key that a sweep named, which is never written again, whatever lies there or no longer does. The next generation is free."""


class LockedInStoreError(StoreError):
    """The store keeps this object until a date, or until somebody lifts a hold, and removes nothing before."""

    def __init__(self, message: str, until: str) -> None:
        super().__init__(message)
        self.until = until  # UTC, "2026-11-22T10:00:00Z", as the store says it; or "a legal hold is lifted"


class ChecksumRefusedError(StoreError):
    """The store, or the write itself, found that the bytes do not have the digest they were announced with."""


class SlowDownError(StoreUnreachableError):
    """The server is asked too often. `after`: so many seconds it wants to be left alone, if it says so."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


class WriteConflictError(StoreUnreachableError):
    """Another writer was making the key at the same moment; whether it is there now is not known. Try again."""


class StoreRefusedError(StoreUnreachableError):
    """The store answered and said no (credentials, permission, an unsupported request): trying again does not help."""


class ColdInStoreError(StoreRefusedError):
    """The object lies in a cold storage class and must be thawed before it can be read. Says nothing about its bytes."""


class UnknownFeatureError(StoreError):
    """The store was written by a newer version and asks readers or writers not to touch what they do not understand."""


class DamagedInStoreError(StoreError):
    """The key exists, but no generation of it that could be read holds what it should."""

    exit_status = 1


class UnreadableInStoreError(DamagedInStoreError):
    """The store answers and cannot give this one object (a bad sector, no permission). Says nothing about its bytes."""

    exit_status = 3


class GenerationsDifferError(DamagedInStoreError):
    """Two generations of a key are both well-formed and say different things: a finding, never a choice."""

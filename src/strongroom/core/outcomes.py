"""What looking at a stored object can come to: a closed set."""

from __future__ import annotations

from enum import StrEnum


class CheckOutcome(StrEnum):
    """The outcome of one check of one key of one store."""

    SOUND = "sound"
    DAMAGED = "damaged"  # read twice, the second time past caches, and wrong both times
    MISSING = "missing"  # something needs it, and the store, which answered, does not have it
    UNEXPECTED = "unexpected"  # nothing says that it should be there
    PENDING = "pending"  # of an attempt that is open, or that ended without a bag and waits for a sweep
    WITHHELD = "withheld"  # taken down on purpose
    COLD = "cold"  # in a storage class from which it must be thawed to be read
    UNREADABLE = "unreadable"  # the store answers, and cannot give it: says nothing about the bytes
    NEVER_CHECKED = "never checked"

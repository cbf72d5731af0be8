"""How long a store is to keep what is written to it, whoever asks for its removal (S3 Object Lock)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from strongroom.core.events import utc_text
from strongroom.core.plural import plural

Mode = Literal["governance", "compliance"]

#: A lock is extended once less than this share of its days is left, so that each is extended once in about half that time.
_EXTEND_AT: Final = 0.5
#: Extending is looked at after this share of the days, which leaves no lock that is short enough to run out before the next look.
_LOOK_AFTER: Final = 0.125


@dataclass(frozen=True, slots=True)
class Lock:
    """What keeps one object: until `until`, or (None) until somebody lifts its legal hold."""

    mode: Mode | None  # None for a legal hold alone
    until: datetime | None

    def is_over(self, now: datetime) -> bool:
        return self.until is not None and self.until <= now

    @property
    def text(self) -> str:
        """ "2027-11-22T10:00:00Z", or what must happen first."""
        return "somebody lifts its legal hold" if self.until is None else utc_text(self.until)


@dataclass(frozen=True, slots=True)
class Retention:
    """A store's policy: every object is kept for so many days from when it is written, and what bags need is extended by as many again
    before they are over. Nobody removes it before: in compliance mode nobody at all, in governance mode nobody without the permission to
    bypass it."""

    mode: Mode
    days: int

    def until(self, now: datetime) -> datetime:
        """Until when what is written `now` is kept, to the second, never less than `days`."""
        return now.astimezone(UTC).replace(microsecond=0) + timedelta(days=self.days, seconds=1)

    def is_met(self, lock: Lock | None, now: datetime) -> bool:
        """Whether the object needs no extension yet. A hold does not count: it ends without notice."""
        if lock is None or lock.until is None or lock.mode is None:
            return False
        strict = self.mode in ("governance", lock.mode)
        return strict and lock.until - now >= timedelta(days=self.days) * _EXTEND_AT

    def extended(self, lock: Lock | None, now: datetime) -> Lock:
        """What the object is to have instead: never a shorter time, never the weaker mode."""
        until = self.until(now)
        if lock is None or lock.until is None:
            return Lock(self.mode, until)
        return Lock("compliance" if "compliance" in (lock.mode, self.mode) else self.mode, max(until, lock.until))

    @property
    def look_after(self) -> timedelta:
        """How long after one look at all objects the next is due."""
        return timedelta(days=self.days) * _LOOK_AFTER

    def __str__(self) -> str:
        return f"{plural(self.days, 'day')} in {self.mode} mode"

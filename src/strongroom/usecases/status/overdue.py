"""What counts as overdue. Time proves nothing: a date in the future, or none that can be read, is as bad as one long ago."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from strongroom.catalogue.reads import Reads
from strongroom.collections.cron import last_time
from strongroom.collections.model import CollectionManifest, StoreRef
from strongroom.core.events import parse_utc, utc_text
from strongroom.core.plural import plural
from strongroom.core.retention import Retention
from strongroom.core.sizes import human_size

#: Days within which every stored byte is to be read again, where no collection manifest says otherwise.
MAX_AGE_DAYS: Final = 90
#: Days that a store marked `offline` may be away, where it does not say itself.
MAX_ABSENCE_DAYS: Final = 90


@dataclass(frozen=True, slots=True)
class Clock:
    now: datetime

    def since(self, text: str | None) -> timedelta | None:
        """How long ago that was; None if it never was, or lies in the future."""
        time = parse_utc(text or "")
        return None if time is None or time > self.now else self.now - time

    def words(self, text: str | None) -> str:
        """ "2026-11-22T10:00:00Z", and what is wrong with it."""
        if text is None:
            return "never"
        return text if self.since(text) is not None else f"{text}, which is no time in the past"


def max_age_days(manifest: CollectionManifest | None, reference: StoreRef | None) -> int:
    """The store's own policy, or the collection's, or the default."""
    stated = manifest.audit_of(reference).max_age_days if manifest and reference else reference.max_age_days if reference else None
    return stated or MAX_AGE_DAYS


def max_absence_days(reference: StoreRef) -> int:
    return reference.max_absence_days or MAX_ABSENCE_DAYS


def missed(expression: str, manifest: CollectionManifest, since: str | None, begin: datetime, clock: Clock) -> str | None:
    """The time at which a run was due that did not come, in words; None if all is well.

    `since`: when the last good run ended. `begin`: from when on runs could be expected, if there never was one.
    """
    schedule = manifest.schedule
    due = last_time(expression, schedule.timezone, clock.now - timedelta(hours=schedule.grace_hours))
    if due is None:
        return None
    last = parse_utc(since or "")
    if last is None and since is None:
        last = begin
    if last is not None and due <= last <= clock.now:
        return None
    was = clock.words(since)
    return f"by its schedule ({expression}, {schedule.timezone}) a run was due at {utc_text(due)}, and the last good one was: {was}"


def archive_overdue(manifest: CollectionManifest, last_archive: str | None, clock: Clock) -> str | None:
    """Why archiving is overdue, if it is. A closed collection never is."""
    expression = manifest.schedule.archive
    if expression is None or manifest.mode == "closed":
        return None
    try:
        begin = datetime.fromtimestamp(manifest.file.stat().st_mtime, UTC)
    except OSError:  # it was read a moment ago
        begin = clock.now
    late = missed(expression, manifest, last_archive, begin, clock)
    return late and f"archiving: {late}. `strongroom archive {manifest.name}` does it now"


def audit_overdue(manifest: CollectionManifest, last_audit: str | None, first_bag: str | None, clock: Clock) -> str | None:
    """Why the audit of a store that should always answer is overdue by schedule; `first_bag`: when the first bag there was sealed."""
    begin = parse_utc(first_bag or "")
    if manifest.schedule.audit is None or begin is None:
        return None
    late = missed(manifest.schedule.audit, manifest, last_audit, begin, clock)
    return late and f"audit: {late}. `strongroom audit {manifest.name}` does it now"


def reading_overdue(reads: Reads, days: int) -> str | None:
    """Why reading is overdue, by how long ago the bytes were read."""
    if not reads.late:
        return None
    share = f"{human_size(reads.late)} of {human_size(reads.bytes)}"
    return f"{share} were not read within {days} days, some not since {reads.oldest}; `strongroom audit` reads them"


def locks_overdue(retention: Retention | None, looked: str | None, oldest_bag: str | None, clock: Clock) -> str | None:
    """Why locks are overdue: no complete look at them for so long that some may have little time left. `oldest_bag`: since when there
    is anything to look at."""
    since = looked if looked is not None else oldest_bag
    if retention is None or since is None:
        return None
    away = clock.since(since)
    if away is not None and away <= 3 * retention.look_after:
        return None
    return f"locks ({retention}) were last looked at and extended: {clock.words(looked)}. `strongroom retain`, or `due`, does it"


def absence_overdue(reference: StoreRef, seen: str | None, oldest_bag: str | None, clock: Clock) -> str | None:
    """Why a store marked `offline` is overdue: it was away too long, or never came."""
    days = max_absence_days(reference)
    away = clock.since(seen if seen is not None else oldest_bag)
    if (seen is None and oldest_bag is None) or (away is not None and away <= timedelta(days=days)):
        return None
    return f"the store may be away for {days} days, and was last seen: {clock.words(seen)}. Attach it and run `strongroom due`"


def lacking_overdue(
    manifest: CollectionManifest, reference: StoreRef, lacking: list[tuple[str, str]], clock: Clock
) -> str | None:
    """Why replication is overdue, by the (bag, sealed) that the store lacks: the grace of the schedule, or of the absence, has passed."""
    grace = timedelta(days=max_absence_days(reference)) if reference.offline else timedelta(hours=manifest.schedule.grace_hours)
    late = [bag for bag, sealed in lacking if (age := clock.since(sealed)) is None or age > grace]
    if not late:
        return None
    some = ", ".join(late[:3]) + (", …" if len(late) > 3 else "")
    return f"replication: the store lacks {plural(len(late), 'bag')} ({some}); `strongroom due` brings them"

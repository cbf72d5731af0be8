"""Cron expressions of five fields, as Debian's cron and Prefect read them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_ANY_TIME = datetime(2024, 1, 1)  # only to have the expression parsed
_EXPECTED = "a cron expression of five fields such as 0 3 * * * (minute, hour, day, month, weekday)"


def check_cron(text: str) -> str:
    """`text` itself, if it is a cron expression of five fields that ever comes true. Raises ValueError."""
    try:
        if len(text.split()) != 5:
            raise ValueError(_EXPECTED)
        next(CronSim(text, _ANY_TIME))
    except CronSimError as error:
        raise ValueError(f"{_EXPECTED}; {error}") from error
    except StopIteration as error:
        raise ValueError(f"{_EXPECTED}; this one never comes true") from error
    return text


def time_zone(name: str) -> ZoneInfo:
    """The time zone "Europe/Oslo" or "UTC". Raises ValueError for one that nobody knows."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # OSError: a name that is a folder of the database, such as "Europe"
        raise ValueError("a time zone such as Europe/Oslo") from error


def last_time(expression: str, zone: str, before: datetime) -> datetime | None:
    """When the schedule last came due before `before` (a time with a zone); None if it did not within fifty years.

    >>> from datetime import UTC
    >>> last_time("0 3 * * *", "Europe/Oslo", datetime(2026, 11, 22, 1, 59, tzinfo=UTC)).isoformat()
    '2026-11-21T03:00:00+01:00'
    """
    return next(CronSim(expression, before.astimezone(ZoneInfo(zone)), reverse=True), None)

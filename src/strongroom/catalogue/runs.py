"""The jobs this installation ran: when, over what, and what came of it. A digest for people; no job reads it to decide anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from strongroom.catalogue.catalogue import Catalogue, reading
from strongroom.core.errors import StrongroomError
from strongroom.core.events import utc_now

_COLUMNS: Final = "number, job, collection, store, started, ended, outcome, exit_status, summary"
#: Runs that are remembered; the oldest are forgotten first.
KEPT: Final = 1_000_000

UNDER_WAY: Final = "under way"  # or cut off: killed, or the machine went down


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run of a job. `summary` is what usecases.recording made of its report."""

    number: int
    job: str  # "archive", "audit", …
    collection: str  # "" for all, or several
    store: str  # URL; "" for all, or those of the collection
    started: str  # UTC
    ended: str | None  # UTC; None: under way, or cut off
    outcome: str  # "good", "errors", "incomplete", "failed", "interrupted" or UNDER_WAY
    exit_status: int | None
    summary: dict[str, Any]


def begin_run(catalogue: Catalogue, job: str, collection: str, store: str) -> int:
    """Remember that a run began; its number."""
    with catalogue.transaction() as db:
        [(number,)] = db.execute(
            "INSERT INTO runs (job, collection, store, started, outcome, summary) VALUES (?, ?, ?, ?, ?, '{}') RETURNING number",
            (job, collection, store, utc_now(), UNDER_WAY),
        ).fetchall()
        db.execute("DELETE FROM runs WHERE number <= ?", (number - KEPT,))
        return int(number)


def end_run(catalogue: Catalogue, number: int, outcome: str, exit_status: int, summary: dict[str, Any]) -> RunRow:
    """Remember how the run ended, and give it as it is remembered."""
    with catalogue.transaction() as db:
        db.execute(
            "UPDATE runs SET ended = ?, outcome = ?, exit_status = ?, summary = ? WHERE number = ?",
            (utc_now(), outcome, exit_status, json.dumps(summary), number),
        )
        row = db.execute(f"SELECT {_COLUMNS} FROM runs WHERE number = ?", (number,)).fetchone()  # noqa: S608 -- names of our own
        if row is None:
            raise StrongroomError(f"{catalogue.path}: another catalogue was put in its place meanwhile, which knows nothing of this run")
        return _row(row)


def runs_since(catalogue: Catalogue, started: str) -> Iterator[RunRow]:
    """Runs that began at that time (UTC) or later, in their order."""
    with reading(catalogue) as db:
        rows = db.execute(f"SELECT {_COLUMNS} FROM runs WHERE started >= ? ORDER BY number", (started,)).fetchall()  # noqa: S608 -- as above
    return map(_row, rows)


def last_run(catalogue: Catalogue) -> RunRow | None:
    """The last run that began."""
    with reading(catalogue) as db:
        row = db.execute(f"SELECT {_COLUMNS} FROM runs ORDER BY number DESC LIMIT 1").fetchone()  # noqa: S608 -- as above
    return None if row is None else _row(row)


def last_runs(catalogue: Catalogue, job: str) -> dict[str, RunRow]:
    """By collection, the last run of a job that began."""
    with reading(catalogue) as db:
        rows = db.execute(
            f"SELECT {_COLUMNS} FROM runs WHERE number IN (SELECT max(number) FROM runs WHERE job = ? GROUP BY collection)",  # noqa: S608
            (job,),
        ).fetchall()
    return {row.collection: row for row in map(_row, rows)}


def latest_of_each(catalogue: Catalogue) -> Iterator[RunRow]:
    """The last run of each job over each collection and store that ended, newest first."""
    with reading(catalogue) as db:
        sql = (f"SELECT {_COLUMNS} FROM runs WHERE number IN (SELECT max(number) FROM runs WHERE ended IS NOT NULL "  # noqa: S608 -- as above
               "GROUP BY job, collection, store) ORDER BY number DESC")
        for row in db.execute(sql):
            yield _row(row)


def recent_runs(catalogue: Catalogue, since: str = "") -> Iterator[RunRow]:
    """Runs that began at `since` (UTC) or later, newest first, one at a time."""
    with reading(catalogue) as db:
        sql = f"SELECT {_COLUMNS} FROM runs WHERE started >= ? ORDER BY number DESC"  # noqa: S608 -- as above
        for row in db.execute(sql, (since,)):
            yield _row(row)


def count_runs(catalogue: Catalogue, since: str = "") -> Iterator[tuple[str, str, str, int]]:
    """(job, collection, outcome, how many) of the runs that began at `since` (UTC) or later."""
    with reading(catalogue) as db:
        sql = "SELECT job, collection, outcome, count(*) FROM runs WHERE started >= ? GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        yield from db.execute(sql, (since,))


def _row(row: tuple[Any, ...]) -> RunRow:
    number, job, collection, store, started, ended, outcome, status, summary = row
    return RunRow(number, job, collection, store, started, ended, outcome, status, json.loads(summary))

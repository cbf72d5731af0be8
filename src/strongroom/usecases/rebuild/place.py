"""Putting a new catalogue in the place of an old one, which is never lost and never mixed with it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from strongroom.catalogue import Catalogue
from strongroom.catalogue.relearn import Condition, condition, take_runs
from strongroom.core.errors import StrongroomError, UsageError
from strongroom.core.events import utc_now
from strongroom.database import Where
from strongroom.durable import sync_folder

_COMPANIONS = ("-wal", "-shm")


def refuse_sound(where: Where) -> None:
    """Raise UsageError if there is a catalogue that can be used."""
    if isinstance(where, Path):
        found = condition(where)
    else:
        from strongroom.catalogue import swapping  # noqa: PLC0415 -- only who uses PostgreSQL pays for it

        found = swapping.condition(where)
    if found is Condition.SOUND:
        raise UsageError(
            f"{where}: there is a catalogue, and nothing is wrong with it. It knows some things that no store does (docs/operations.md). "
            "To make it again all the same, say --replace; this one is then kept under another name")


@contextmanager
def fresh(where: Where, scratch: Path) -> Iterator[Where]:
    """Where the new catalogue is made. What is there goes with the block, unless it was put in place."""
    if isinstance(where, Path):
        yield scratch / "catalogue.sqlite"
        return
    from strongroom.catalogue import swapping  # noqa: PLC0415 -- as above

    with swapping.fresh(where) as new:
        yield new


def put_in_place(new: Where, where: Where) -> Where | None:
    """Make `new` the catalogue, at once and whole. Where the one that was there before is now, if it held anything.

    Raises StrongroomError if another run uses the old one.
    """
    if isinstance(new, Path) and isinstance(where, Path):
        return _put_file(new, where)
    if isinstance(new, Path) or isinstance(where, Path):
        raise TypeError(f"{new} cannot take the place of {where}")
    from strongroom.catalogue import swapping  # noqa: PLC0415 -- as above

    return swapping.put_in_place(new, where)


def _put_file(new: Path, path: Path) -> Path | None:
    before = condition(path)
    if before is Condition.UNUSABLE:
        aside = _free_name(path)
        # A journal that stayed behind would be played into the new database.
        for suffix in _COMPANIONS:
            with suppress(FileNotFoundError):
                os.rename(f"{path}{suffix}", f"{aside}{suffix}")
        os.rename(path, aside)
    elif before is Condition.ABSENT:
        aside = None
        for suffix in _COMPANIONS:
            with suppress(FileNotFoundError):
                os.rename(f"{path}{suffix}", f"{_free_name(path)}{suffix}")
    else:
        return _replace(new, path, keep=before is Condition.SOUND)
    os.rename(new, path)
    sync_folder(path.parent)
    return aside


def _replace(new: Path, path: Path, *, keep: bool) -> Path | None:
    with Catalogue.open(new) as catalogue:
        take_runs(catalogue, path)
    aside = _free_name(path) if keep else None
    with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as old:
        try:
            # Only possible while nobody else has it open; it takes the old one's journal away.
            old.execute("PRAGMA journal_mode = DELETE")
            old.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise StrongroomError(f"{path}: in use by another run; wait for it to end, and rebuild again") from error
        if aside is not None:
            _keep(path, aside)
        os.replace(new, path)
        sync_folder(path.parent)
    return aside


def _keep(path: Path, aside: Path) -> None:
    try:
        os.link(path, aside)
    except OSError:  # no hard links here: for a moment there is no catalogue
        os.rename(path, aside)


def _free_name(path: Path) -> Path:
    """A name beside `path` that is free: "catalogue.sqlite.before-20261122T100000Z"."""
    base = f"{path.name}.before-{utc_now().replace('-', '').replace(':', '')}"
    number = 0
    while (aside := path.with_name(f"{base}-{number}" if number else base)).exists():
        number += 1
    return aside

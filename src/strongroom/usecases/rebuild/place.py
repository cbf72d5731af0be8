"""Putting a new catalogue in the place of an old one, which is never lost and never mixed with it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from strongroom.catalogue import Catalogue
from strongroom.catalogue.relearn import Condition, condition, take_runs
from strongroom.core.errors import StrongroomError, UsageError
from strongroom.core.events import utc_now
from strongroom.durable import sync_folder

_COMPANIONS = ("-wal", "-shm")


def refuse_sound(path: Path) -> None:
    """Raise UsageError if there is a catalogue that can be used."""
    if condition(path) is Condition.SOUND:
        raise UsageError(
            f"{path}: there is a catalogue, and nothing is wrong with it. It knows some things that no store does (docs/operations.md). "
            "To make it again all the same, say --replace; this one is then kept under another name")


def put_in_place(new: Path, path: Path) -> Path | None:
    """Make `new` the catalogue, at once and whole. Where the one that was there before is now, if it held anything.

    Raises StrongroomError if another run uses the old one.
    """
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

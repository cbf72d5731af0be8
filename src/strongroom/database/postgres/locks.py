"""Locks among all that share a catalogue, on any machine. Each has a connection of its own and ends with it, never by a clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

from strongroom.core.errors import StrongroomError
from strongroom.database.postgres.connection import PostgresDb, lock_key
from strongroom.database.postgres.place import PostgresPlace
from strongroom.database.postgres.trouble import CatalogueBusyError, held_for

_AGAIN: Final = 0.2  # seconds


@contextmanager
def held(place: PostgresPlace, name: str, busy: str = "") -> Iterator[None]:
    """Hold the lock of this name. Where another has it: wait for it or, given `busy`, raise StrongroomError with that.

    Raises CatalogueError. A connection that is lost meanwhile loses the lock: what is sealed is decided by the store all the same.
    """
    key = lock_key(place.schema, "lock", name)
    with closing(PostgresDb(place)) as db:
        db.alone()
        longest = db.connection.limits.answer  # another that stands still would be waited for without end
        end = time.monotonic() + longest
        while db.execute("SELECT 1 WHERE pg_try_advisory_lock(?)", (key,)).fetchone() is None:
            if busy:
                raise StrongroomError(busy)
            if time.monotonic() > end:
                raise CatalogueBusyError(f"{place}: {held_for(longest)}")
            time.sleep(_AGAIN)
        db.holds = True
        yield

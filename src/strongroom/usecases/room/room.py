"""The reading room as one thing: what there is, who may see it, and what is withheld, all as it was a few seconds ago at most."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Self

from strongroom.core.digests import Digest
from strongroom.core.errors import StoreError, StrongroomError
from strongroom.stores.interface import Store
from strongroom.usecases.access import Visibility, today, visibilities
from strongroom.usecases.context import Context
from strongroom.usecases.room.database import index_path, read_index
from strongroom.usecases.room.reading import Content, Reading
from strongroom.usecases.room.shelves import Shelves
from strongroom.usecases.room.updating import update_index
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import Known, known_bags
from strongroom.usecases.withheld.loading import load_withheld
from strongroom.usecases.withheld.tombstones import Withheld

#: Seconds after which what is known is looked up again in the background, while somebody reads; more where that takes long.
FRESH: Final = 5.0
#: Seconds after which nothing is shown before it was looked up again; more where that takes long.
STALE: Final = 30.0
_RETRY: Final = 60.0  # seconds before a bag that could not be read is tried again


class WithheldError(Exception):
    """The content was taken down on purpose; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _State:
    at: float
    took: float  # seconds to look all this up: the longer it takes, the more seldom it is done
    known: Known
    visibilities: dict[str, Visibility]
    withheld: Withheld
    folder: Path  # of `withheld`


class Room:
    """Safe to use from several threads. Use as a context manager."""

    def __init__(self, context: Context, say: Callable[[str], None] = lambda _: None) -> None:
        self.context = context
        self.shelves = Shelves()
        self._say = say
        self._reading = Reading(context, self.shelves)
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        self._indexing = threading.Lock()
        self._failed: dict[Digest, tuple[float, str]] = {}
        self._shown: tuple[date, float, frozenset[str]] | None = None
        self._state: _State | None = None

    def __enter__(self) -> Self:
        self._scratch = self._stack.enter_context(self.context.scratch("room"))
        self._stack.callback(self._reading.close)
        try:
            self._refresh()
            self._index()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    # -- what is known

    def _now(self) -> _State:
        """The state, looked up again first if it is old."""
        state = self._state
        age = 2 * STALE + 1 if state is None else time.monotonic() - state.at
        pause = FRESH if state is None else max(FRESH, 5 * state.took)
        if age > max(STALE, 2 * pause):
            with self._lock:
                if self._state is state:
                    self._refresh()
        elif age > pause and self._lock.acquire(blocking=False):
            threading.Thread(target=self._refresh_and_release, daemon=True, name="refresh").start()
        assert self._state is not None
        return self._state

    def _refresh_and_release(self) -> None:
        try:
            self._refresh()
        except (StrongroomError, OSError, sqlite3.Error):
            return  # whoever asks when all this has become old is told
        finally:
            self._lock.release()
        if self._indexing.acquire(blocking=False):
            try:
                self._index()
            except (StrongroomError, OSError, sqlite3.Error) as error:
                self._say(f"the index could not be brought up to date: {error}")
            finally:
                self._indexing.release()

    def _refresh(self) -> None:
        """Look up who may see what and what is withheld."""
        before, started = self._state, time.monotonic()
        known = known_bags(self.context)
        self.shelves.learn(known)
        folder = Path(tempfile.mkdtemp(dir=self._scratch))
        try:
            withheld = load_withheld(self.context.home, self._stores(), folder, Collector().add)
            withheld.reason(b"")  # opens it
            seen, now = visibilities(self.context), time.monotonic()
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._state = _State(now, now - started, known, seen, withheld, folder)
        if before is not None:
            shutil.rmtree(before.folder, ignore_errors=True)  # who still asks it has it open

    def _index(self) -> None:
        """Read bags that are new, which may take a while."""
        now = time.monotonic()
        skip = {seal: one for seal, one in self._failed.items() if now - one[0] < _RETRY}
        failed = update_index(self.context, self._now().known, self.shelves, self._scratch, skip=skip, say=self._say)
        self._failed = skip | {seal: (now, why) for seal, why in failed.items()}

    def _stores(self) -> list[Store]:
        """Those that answer. What others withhold is kept at home as well."""
        found = []
        for address in self.shelves.addresses():
            try:
                store = self.shelves.open(address)
                next(store.list("withheld/"), None)
                found.append(store)
            except StoreError as error:
                self.shelves.give_up(address, error)
        return found

    # -- who may see what

    def seen(self, *, curator: bool) -> frozenset[str]:
        """The collections that this reader may see now."""
        state = self._now()
        if curator:
            return frozenset(state.visibilities)
        day = today()
        if self._shown is None or self._shown[:2] != (day, state.at):
            self._shown = day, state.at, frozenset(name for name, one in state.visibilities.items() if one.is_shown(day))
        return self._shown[2]

    def hidden_because(self, name: str) -> tuple[str, ...]:
        """Why a collection is shown to nobody; for the curator."""
        visibility = self._now().visibilities.get(name)
        return () if visibility is None else visibility.reasons(today())

    @property
    def known(self) -> Known:
        return self._now().known

    def unread(self, name: str) -> list[tuple[str, str]]:
        """Bags of a collection that could not be read, and why."""
        failed = self._failed
        return [(str(row.bag), failed[row.seal][1]) for row in self._now().known.rows if row.bag.name == name and row.seal in failed]

    def index(self) -> closing[sqlite3.Connection]:
        return read_index(index_path(self.context))

    # -- contents

    def withheld(self, sha: bytes) -> str | None:
        """Why a content is withheld; None: it is not."""
        state = self._now()
        with self._asking:
            return state.withheld.reason(sha)

    def content(self, digest: Digest, names: frozenset[str]) -> Content:
        """A content that collections of these names hold, verified. Raises WithheldError, and as Reading.content."""
        reason = self.withheld(digest.raw)
        if reason is not None:
            raise WithheldError(reason)
        return self._reading.content(digest, names)

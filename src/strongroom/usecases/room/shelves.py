"""The stores the room reads from: opened when needed, the nearest first, and left alone for a while when they do not answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable
from typing import Final

from strongroom.core.errors import StoreError
from strongroom.stores.interface import Store
from strongroom.usecases.sealed.known import Address, Known
from strongroom.usecases.sealed.places import open_address

#: Seconds for which a store that did not answer is not asked again: somebody waits for each page.
_QUIET: Final = 20.0


class Shelves:
    """Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known = Known()
        self._opened: dict[str, Store] = {}
        self._silent: dict[str, tuple[float, str]] = {}

    def learn(self, known: Known) -> None:
        """The stores there are now."""
        with self._lock:
            gone = {store.id: store.url for store in self._known.stores} != {store.id: store.url for store in known.stores}
            self._known = known
            if gone:
                self._opened.clear()

    def addresses(self, ids: Iterable[str] | None = None) -> list[Address]:
        """Where these stores lie (None: all), disks before buckets."""
        known = self._known
        wanted = None if ids is None else set(ids)
        rows = [row for row in known.stores if wanted is None or row.id in wanted]
        return [known.address(row.id, row.url) for row in sorted(rows, key=lambda row: not row.url.startswith("file:"))]

    def holding(self, names: Collection[str]) -> frozenset[str]:
        """The stores, by id, that hold a bag of these collections. Others are nobody's affair who may see only these."""
        return frozenset(store for row in self._known.rows if row.bag.name in names for store in row.stores)

    def url(self, store: str) -> str:
        return next((row.url for row in self._known.stores if row.id == store), store)

    def open(self, address: Address) -> Store:
        """Raises StoreError at once where it did not answer a moment ago."""
        key = address.id or address.url
        with self._lock:
            if key in self._silent and time.monotonic() - self._silent[key][0] < _QUIET:
                raise StoreError(self._silent[key][1])
            if key in self._opened:
                return self._opened[key]
        try:
            store = open_address(address, patient=False)
        except StoreError as error:
            self.give_up(address, error)
            raise
        with self._lock:
            self._silent.pop(key, None)
            return self._opened.setdefault(key, store)

    def give_up(self, address: Address, error: Exception) -> None:
        """It does not answer: ask it again later."""
        key = address.id or address.url
        with self._lock:
            self._silent[key] = (time.monotonic(), str(error))
            self._opened.pop(key, None)

    def silent(self, names: Collection[str]) -> list[str]:
        """Of the stores that hold bags of these collections, those that did not answer when they were last asked: why."""
        holding = self.holding(names)
        with self._lock:
            return sorted(why for key, (_, why) in self._silent.items() if key in holding)

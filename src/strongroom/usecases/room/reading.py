"""Contents for people: no byte of one is given out that was not verified, here and now or by pieces that were (pieces.py)."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Unfinished
from dataclasses import dataclass
from functools import partial
from typing import Final

from strongroom.core.digests import Digest
from strongroom.core.errors import NotFoundInStoreError, StoreError
from strongroom.core.keys import StoreKey
from strongroom.stores.generations import generations
from strongroom.stores.interface import Store
from strongroom.usecases.context import Context
from strongroom.usecases.restore.contents import read_run
from strongroom.usecases.restore.indexes import IndexBatch, read_indexes
from strongroom.usecases.restore.plan import Need
from strongroom.usecases.room.finding import NotSoundError, Search, Spot, doubt, spots
from strongroom.usecases.room.pieces import PIECE, PieceBook, Pieces, read_piece, read_whole
from strongroom.usecases.room.shelves import Shelves

#: Seconds that a request waits for a large content to be read whole; then it is told to come again.
PATIENCE: Final = 20.0
#: Members of packs are held in memory; ours have at most 4 MiB, others may pack differently.
_MEMBER_LIMIT: Final = 64 << 20
_INDEXES: Final = 32  # of packs that are kept in memory: 64 bytes a member
_ROW: Final = 64
_REMEMBERED: Final = 30.0  # seconds for which what has no sound copy is not looked for again
_MOST_REMEMBERED: Final = 1000


class StillReadingError(Exception):
    """A large content is being read whole for the first time; come again."""


@dataclass(frozen=True, slots=True)
class Content:
    """A content. `data`: all of it; else it is read by `pieces`, each verified, from the first of `places` that has it right."""

    size: int
    data: memoryview | None
    pieces: Pieces | None = None
    places: Callable[[Search], Iterator[tuple[Spot, StoreKey]]] | None = None

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """Bytes `start` to, not with, `stop`. Raises NotSoundError or OutOfReachError at the first piece that can be had from no place."""
        if self.data is not None:
            for at in range(start, stop, PIECE):
                yield bytes(self.data[at : min(stop, at + PIECE)])
            return
        assert self.places is not None
        at, search = start, Search()
        asked: list[Spot] = []
        for spot, key in self.places(search):
            if at >= stop:
                return
            asked.append(spot)
            try:
                for chunk in self._from(spot.store, key, at, stop):
                    yield chunk
                    at += len(chunk)
            except NotFoundInStoreError:
                continue
            except StoreError as error:
                search.miss(spot.address, error)
            else:
                search.wrong.append(f"{spot.address.url}: {key}")
        if at < stop:
            doubt(asked, search)
            raise search.failure()

    def _from(self, store: Store, key: StoreKey, start: int, stop: int) -> Iterator[bytes]:
        """As far as the pieces of one place are right."""
        assert self.pieces is not None
        number = start // PIECE
        first, last = number * PIECE, min(self.size, -(-stop // PIECE) * PIECE)
        with store.get(key, first, last - first) as reader:
            while first < stop:
                piece = read_piece(reader)
                if not piece or not self.pieces.holds(number, piece):
                    return
                yield piece[max(0, start - first) : stop - first]
                first, number = first + len(piece), number + 1


class Reading:
    """Finds and verifies contents. Safe to use from several threads."""

    def __init__(self, context: Context, shelves: Shelves) -> None:
        self._context, self._shelves = context, shelves
        self._book = PieceBook(context.home / "room-pieces.sqlite")
        self._lock = threading.Lock()
        self._indexes: OrderedDict[tuple[str, str, bool], bytes] = OrderedDict()
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="whole")
        self._whole: dict[tuple[str, str, Digest], Future[Pieces | None]] = {}
        self._failed: dict[Digest, tuple[float, NotSoundError]] = {}

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def content(self, digest: Digest, names: Collection[str]) -> Content:
        """The content, which collections of these names hold. Raises NotSoundError, OutOfReachError, StillReadingError."""
        failed = self._failed.get(digest)
        if failed is not None and time.monotonic() - failed[0] < _REMEMBERED:
            raise failed[1]
        search = Search()
        places = partial(self._places, digest, frozenset(names))
        pieces = self._book.find(digest)
        if pieces is not None:
            return Content(pieces.size, None, pieces, places)
        asked: list[Spot] = []
        for spot, key in places(search):
            asked.append(spot)
            try:
                if spot.kind != "content":
                    data = self._member(spot.store, key, digest)
                    if data is not None:
                        return Content(len(data), data)
                else:
                    pieces = self._read_whole(spot.store, key, digest)
                    if pieces is not None:
                        return Content(pieces.size, None, pieces, places)
                search.wrong.append(f"{spot.address.url}: {key}")
            except NotFoundInStoreError:
                search.wrong.append(f"{spot.address.url}: {key}: is not there")
            except StoreError as error:
                self._shelves.give_up(spot.address, error)
                search.miss(spot.address, error)
        doubt(asked, search)
        failure = search.failure()
        if isinstance(failure, NotSoundError):
            if len(self._failed) > _MOST_REMEMBERED:
                self._failed.clear()
            self._failed[digest] = time.monotonic(), failure
        raise failure

    def _places(self, digest: Digest, names: frozenset[str], search: Search) -> Iterator[tuple[Spot, StoreKey]]:
        """Every object to look into, each with its later generations, which are looked for only when somebody goes on to them."""
        for spot in spots(self._context, self._shelves, digest, names, search):
            yield spot, spot.key
            try:
                yield from ((spot, key) for key in generations(spot.store, spot.key) if key != spot.key)
            except StoreError as error:
                search.miss(spot.address, error)

    # -- packs

    def _member(self, store: Store, tar: StoreKey, digest: Digest) -> memoryview | None:
        for headers in (False, True):
            need = self._need(store, tar, digest, headers=headers)
            if need is not None and need.length <= _MEMBER_LIMIT:
                _, data = next(read_run(store, tar, [need]))
                if data is not None:
                    return data
        return None

    def _need(self, store: Store, tar: StoreKey, digest: Digest, *, headers: bool) -> Need | None:
        where = (store.url, tar.text, headers)
        with self._lock:
            rows = self._indexes.pop(where, None)
        if rows is None:
            rows = read_indexes(IndexBatch(store, (tar.text,), headers)).packs[0][1]
        with self._lock:
            self._indexes[where] = rows
            while len(self._indexes) > _INDEXES:
                self._indexes.popitem(last=False)
        at = rows.find(digest.raw)
        while at % _ROW and at >= 0:  # bytes of numbers that look like it
            at = rows.find(digest.raw, at + 1)
        if at < 0:
            return None
        numbers = [int.from_bytes(rows[at + offset : at + offset + 8], "little") for offset in range(32, _ROW, 8)]
        return Need(0, digest.raw, *numbers)

    # -- large contents

    def _read_whole(self, store: Store, key: StoreKey, digest: Digest) -> Pieces | None:
        """Its pieces once it was read whole; each is read by one thread, however many wait."""
        where = (store.url, key.text, digest)
        with self._lock:
            future = self._whole.get(where)
            if future is None:
                future = self._whole[where] = self._threads.submit(self._learn, store, key, digest)
        try:
            return future.result(PATIENCE)
        except Unfinished:
            raise StillReadingError from None
        finally:
            if future.done():
                with self._lock:
                    self._whole.pop(where, None)

    def _learn(self, store: Store, key: StoreKey, digest: Digest) -> Pieces | None:
        pieces = read_whole(store, key, digest)
        if pieces is not None:
            self._book.add(digest, pieces)
        return pieces

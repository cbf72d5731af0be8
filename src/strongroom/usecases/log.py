"""The log of a store: hash chains of events, one for each writer (docs/format.md, section 7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from strongroom.catalogue import Catalogue
from strongroom.catalogue.checks import known_digests, last_known, record_written
from strongroom.core import keys
from strongroom.core.batch import LIMIT, form_batch, parse_batch, parse_key
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, KeyExistsError, NotFoundInStoreError
from strongroom.core.events import Event
from strongroom.core.ids import check_id
from strongroom.core.keys import StoreKey
from strongroom.core.seal import Head
from strongroom.stores.generations import read_all
from strongroom.stores.interface import Store
from strongroom.usecases.locks import locked

#: The digests that a batch can have, by whoever remembers; none: nobody does.
Remembered = Callable[[StoreKey], frozenset[Digest]]


def remembered(catalogue: Catalogue, store_number: int) -> Remembered:
    """What this installation wrote or found sound in a store."""
    return lambda key: known_digests(catalogue, store_number, key)


def heads(store: Store, remembers: Remembered = lambda _: frozenset()) -> dict[str, Head]:
    """The head of every chain in the store: its last batch that is one. What is no chain (a stranger's folder) is passed over."""
    found = {}
    for writer in store.list_folders("log/"):
        with suppress(InvalidValueError):
            head = _last_batch(store, check_id(writer), remembers)[0]
            if head is not None:
                found[writer] = head
    return found


def _last_batch(store: Store, writer: str, remembers: Remembered) -> tuple[Head | None, int]:
    """The last batch of a chain that is sound by its own sum, and not another than was there; and the highest number any object of the
    chain has (0: none)."""
    there: dict[int, list[StoreKey]] = {}
    for stat in store.list(f"log/{writer}/"):
        named = parse_key(stat.key)
        if named is not None:
            there.setdefault(named[1], []).append(stat.key)
    for seq in sorted(there, reverse=True):
        for key in reversed(there[seq]):
            with suppress(InvalidValueError, DamagedInStoreError, NotFoundInStoreError):
                data = read_all(store, key, LIMIT)
                parse_batch(data, key)
                digest, known = Digest.of(data), remembers(key.base[0])
                if not known or digest in known:
                    return Head(seq, digest), max(there)
    return None, max(there, default=0)


def written_stores(home: Path) -> set[str]:
    """The ids of the stores to whose log this installation ever appended, whether or not its catalogue still knows them."""
    return {path.stem.removeprefix("log-") for path in (home / "locks").glob("log-*.lock")}


def append(catalogue: Catalogue, store: Store, store_number: int, store_id: str, events: Sequence[Event]) -> None:
    """Add a batch of events to this installation's chain in the store; a chain that cannot be continued is left and a new one begun.

    Its digest is noted in the catalogue: until another batch follows, nothing in the store says what the newest should be.
    """
    with locked(catalogue.path, f"log-{store_id}.lock"):  # one at a time in this installation: a chain has one end
        _append(catalogue, store, store_number, store_id, events)


def _append(catalogue: Catalogue, store: Store, store_number: int, store_id: str, events: Sequence[Event]) -> None:
    writer = catalogue.writer(store_number)
    for _ in range(5):
        head, highest = _last_batch(store, writer, remembered(catalogue, store_number))
        seq = 1 if head is None else head.seq + 1
        if not _continues(head, highest, last_known(catalogue, store_number, f"log/{writer}/")):
            writer = catalogue.renew_writer(store_number)
            continue
        batch = form_batch(store_id, writer, seq, None if head is None else head.sha256, events)
        key = keys.log_batch(writer, seq)
        try:
            store.put(key, batch, sha256=Digest.of(batch))
        except KeyExistsError:
            if read_all(store, key, LIMIT) != batch:
                # Somebody else continued this chain: a copy of our state is in use elsewhere. Two may not share one chain.
                writer = catalogue.renew_writer(store_number)
                continue
        record_written(catalogue, store_number, key, batch)
        return
    raise KeyExistsError(f"{store.url}: could not append to the log: every chain was continued by somebody else")


def _continues(head: Head | None, highest: int, known: StoreKey | None) -> bool:
    """Whether a chain may go on after `head`. `known` is the last batch that the catalogue knows.

    Not where it reached further once: the store was put back to an older state, and this would be a second history. Not over a gap,
    where its end is damaged or altered: the next batch would vouch for it.
    """
    named = None if known is None else parse_key(known)
    return (0 if head is None else head.seq) == highest >= (0 if named is None else named[1])

"""The log of a store: hash chains of events, one for each writer (docs/format.md, section 7)."""

from __future__ import annotations

from collections.abc import Sequence

from strongroom.catalogue import Catalogue
from strongroom.core import canonical, keys
from strongroom.core.digests import Digest
from strongroom.core.errors import KeyExistsError
from strongroom.core.events import Event
from strongroom.core.seal import Head
from strongroom.stores.generations import read_all
from strongroom.stores.interface import Store

_LIMIT = 64 * 1024**2  # bytes of one batch of events


def heads(store: Store) -> dict[str, Head]:
    """The head of every chain in the store."""
    return {writer: head for writer in store.list_folders("log/") if (head := _head(store, writer)) is not None}


def _head(store: Store, writer: str) -> Head | None:
    last: tuple[int, keys.StoreKey] | None = None
    for stat in store.list(f"log/{writer}/"):
        base, _ = stat.key.base
        number = base.text.rpartition("/")[2].removesuffix(".json")
        if number.isdecimal() and (last is None or int(number) >= last[0]):
            last = int(number), stat.key
    return None if last is None else Head(last[0], Digest.of(read_all(store, last[1], _LIMIT)))


def append(catalogue: Catalogue, store: Store, store_number: int, store_id: str, events: Sequence[Event]) -> None:
    """Add a batch of events to this installation's chain in the store; a chain that cannot be continued is left and a new one begun."""
    writer = catalogue.writer(store_number)
    for _ in range(5):
        head = _head(store, writer)
        seq = 1 if head is None else head.seq + 1
        batch = canonical.dumps({
            "format": "strongroom-log/1", "store": store_id, "writer": writer, "seq": seq,
            "previous": None if head is None else head.sha256.hex, "events": [event.to_json() for event in events],
        })
        key = keys.log_batch(writer, seq)
        try:
            store.put(key, batch, sha256=Digest.of(batch))
        except KeyExistsError:
            if read_all(store, key, _LIMIT) == batch:
                return
            # Somebody else continued this chain: a copy of our state is in use elsewhere. Two may not share one chain.
            writer = catalogue.renew_writer(store_number)
            continue
        return
    raise KeyExistsError(f"{store.url}: could not append to the log: every chain was continued by somebody else")

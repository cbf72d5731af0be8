"""The log of a store: hash chains of events, one for each writer (docs/format.md, section 7)."""

from __future__ import annotations

import fcntl
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from strongroom.catalogue import Catalogue
from strongroom.catalogue.checks import last_known, record_written
from strongroom.core import canonical, keys
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, KeyExistsError, NotFoundInStoreError
from strongroom.core.events import Event
from strongroom.core.ids import check_id
from strongroom.core.seal import Head
from strongroom.stores.generations import read_all
from strongroom.stores.interface import Store

_LIMIT: Final = 64 * 1024**2  # bytes of one batch of events
_BATCH: Final = re.compile(r"/([0-9]{12})\.json\Z")


def heads(store: Store) -> dict[str, Head]:
    """The head of every chain in the store: its last batch that is one. What is no chain (a stranger's folder) is passed over."""
    found = {}
    for writer in store.list_folders("log/"):
        with suppress(InvalidValueError):
            head = _last_batch(store, check_id(writer))[0]
            if head is not None:
                found[writer] = head
    return found


def _last_batch(store: Store, writer: str) -> tuple[Head | None, int]:
    """The last batch of a chain that can be read as one, and the highest number any object of the chain has (0: none)."""
    there: dict[int, list[keys.StoreKey]] = {}
    for stat in store.list(f"log/{writer}/"):
        match = _BATCH.search(stat.key.base[0].text)
        if match is not None:
            there.setdefault(int(match[1]), []).append(stat.key)
    for seq in sorted(there, reverse=True):
        for key in reversed(there[seq]):
            with suppress(InvalidValueError, DamagedInStoreError, NotFoundInStoreError):
                data = read_all(store, key, _LIMIT)
                value = canonical.loads(data, what=str(key))
                if isinstance(value, dict) and value.get("writer") == writer and value.get("seq") == seq:
                    return Head(seq, Digest.of(data)), max(there)
    return None, max(there, default=0)


def append(catalogue: Catalogue, store: Store, store_number: int, store_id: str, events: Sequence[Event]) -> None:
    """Add a batch of events to this installation's chain in the store; a chain that cannot be continued is left and a new one begun.

    Its digest is noted in the catalogue: until another batch follows, nothing in the store says what the newest should be.
    """
    with _turn(catalogue.path.parent, store_id):
        _append(catalogue, store, store_number, store_id, events)


@contextmanager
def _turn(home: Path, store_id: str) -> Iterator[None]:
    """One at a time in this installation; a chain has one end."""
    folder = home / "locks"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / f"log-{store_id}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _append(catalogue: Catalogue, store: Store, store_number: int, store_id: str, events: Sequence[Event]) -> None:
    writer = catalogue.writer(store_number)
    for _ in range(5):
        head, highest = _last_batch(store, writer)
        seq = 1 if head is None else head.seq + 1
        known = last_known(catalogue, store_number, f"log/{writer}/")
        if known is not None and known >= keys.log_batch(writer, seq).text:
            # It reached further once: the store was put back to an older state. To go on from there would be a second history.
            writer = catalogue.renew_writer(store_number)
            continue
        if seq <= highest:  # the end of the chain is damaged: it is never continued over a gap
            writer = catalogue.renew_writer(store_number)
            continue
        batch = canonical.summed({
            "format": "strongroom-log/1", "store": store_id, "writer": writer, "seq": seq,
            "previous": None if head is None else head.sha256.hex, "events": [event.to_json() for event in events],
        })
        key = keys.log_batch(writer, seq)
        try:
            store.put(key, batch, sha256=Digest.of(batch))
        except KeyExistsError:
            if read_all(store, key, _LIMIT) != batch:
                # Somebody else continued this chain: a copy of our state is in use elsewhere. Two may not share one chain.
                writer = catalogue.renew_writer(store_number)
                continue
        record_written(catalogue, store_number, key, batch)
        return
    raise KeyExistsError(f"{store.url}: could not append to the log: every chain was continued by somebody else")

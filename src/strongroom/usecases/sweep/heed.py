"""What a sweep condemned, heeded by those who write: archive, import, replicate, repair."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from strongroom.catalogue import Catalogue
from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError
from strongroom.core.keys import StoreKey
from strongroom.stores.generations import generations
from strongroom.stores.heeding import HeedingStore
from strongroom.stores.interface import Store
from strongroom.usecases.sweep.condemned import Condemned

_AT_ONCE: Final = 1000


def heed(store: HeedingStore, catalogue: Catalogue, number: int, folder: Path, *, only_gone: bool = False) -> int:
    """Read what the sweeps of the store (its number in the catalogue: `number`) condemned, pass over it from now on, and forget what the
    catalogue believed of it; how many objects that were. To be asked once an attempt is open (docs/format.md, section 6).

    `only_gone`: forget only what is not there any more, for a repair: what a sweep took back is still needed.
    """
    condemned = Condemned.load(store.store, folder)
    store.condemned = condemned
    seen: Store = store.store if only_gone else store
    forgotten = 0
    bases = iter(sorted({key.base[0] for key in condemned}))
    while some := list(islice(bases, _AT_ONCE)):
        known = [(key, row) for key, row in _objects(some) if catalogue.has_object(number, *row)]
        gone = [(key, row) for key, row in known if not generations(seen, key)]
        catalogue.forget_objects(number, [row for _, row in gone])
        forgotten += len(gone)
    return forgotten


def _objects(bases: list[StoreKey]) -> Iterator[tuple[StoreKey, tuple[str, Digest]]]:
    for key in bases:
        if (row := stored_at(key)) is not None:
            yield key, row


def stored_at(key: StoreKey) -> tuple[str, Digest] | None:
    """Kind, as the catalogue has it, and digest of the pack or large content that lies at this key; None if it is none."""
    if key.text.startswith("content/"):
        try:
            return "content", Digest(key.base[0].text.rpartition("/")[2])
        except InvalidValueError:
            return None  # pieces
    return keys.parse_pack_key(key)

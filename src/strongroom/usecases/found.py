"""What a store was found to do, noted in the catalogue so that `status` can say it while nothing is attached."""

from __future__ import annotations

from contextlib import suppress

from strongroom.catalogue import Catalogue
from strongroom.catalogue.keeping import last_found, note_found
from strongroom.core.errors import StoreError
from strongroom.stores.interface import Store


def look_at_place(catalogue: Catalogue, store: Store, number: int, *, once: bool = False) -> None:
    """Ask the store what it can and cannot do, and note that; `once`: only if nothing is noted. A store that will not say, or that can be
    read only, keeps what was noted before."""
    if once and last_found(catalogue, number) is not None:
        return
    with suppress(StoreError):
        notes, can = store.check_key_space(), store.capabilities
        note_found(catalogue, number, {"create_only": can.create_only, "checks_sha256": can.checks_sha256, "notes": list(notes)})

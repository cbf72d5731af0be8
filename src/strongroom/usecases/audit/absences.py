"""Before anything is called missing: is it really not there, in any generation, and is this still the store that was meant?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

from strongroom.core.errors import WrongStoreError
from strongroom.core.keys import StoreKey
from strongroom.stores.describe import read_description
from strongroom.stores.generations import exists, generations
from strongroom.stores.interface import Store
from strongroom.usecases.audit.kinds import Kind, name_of
from strongroom.usecases.audit.scratch import Scratch
from strongroom.usecases.sweep.condemned import Condemned

_THREADS: Final = 8  # for look-ups that only wait
_AT_ONCE: Final = 1000


def confirm_absent(scratch: Scratch, store: Store, store_id: str, condemned: Condemned) -> None:
    """Look again for everything in `absent`, and strike what is there (it was written since), what was an attempt's that is no bag and may
    have been swept, and what the records of sweeps name: what bags need of that is looked for by content.

    Raises StoreUnreachableError, WrongStoreError if another store, or none, answers by now.
    """
    last = ""
    while rows := scratch.db.execute("SELECT base FROM absent WHERE base > ? ORDER BY base LIMIT ?", (last, _AT_ONCE)).fetchall():
        bases = [base for (base,) in rows]
        last = bases[-1]
        with ThreadPoolExecutor(_THREADS) as threads:
            there = list(threads.map(lambda base: bool(generations(store, StoreKey(base))), bases))
        with scratch.transaction() as db:
            for base, found in zip(bases, there, strict=True):
                if found or condemned.is_deleted(StoreKey(base)) or not _matters(scratch, base):
                    db.execute("DELETE FROM absent WHERE base = ?", (base,))
    if read_description(store).id != store_id:
        raise WrongStoreError(f"{store.url}: another store lies there by now")


def confirm_vanished(scratch: Scratch, store: Store) -> list[StoreKey]:
    """Generations that are gone indeed: that one was sound says nothing about the others any more. Raises StoreUnreachableError."""
    keys = (StoreKey(text) for (text,) in scratch.rows("SELECT key FROM vanished ORDER BY key"))
    return [key for key in keys if not exists(store, key)]


def _matters(scratch: Scratch, base: str) -> bool:
    name = name_of(StoreKey(base))
    if name.kind is Kind.RESERVED:
        return False  # sweeps and takedowns come and go; nothing leans on them
    sealed = "SELECT 1 FROM attempts WHERE bag = ? AND attempt = ?"
    return name.attempt is None or scratch.one(sealed, name.bag, name.attempt) is not None

"""Copies of strongroom.json kept at home: of all objects of a store it is the one that no replica has."""

from __future__ import annotations

from contextlib import suppress

from strongroom.catalogue import BagRow
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, NotFoundInStoreError, WrongStoreError
from strongroom.core.ids import check_id
from strongroom.core.keys import DESCRIPTION, StoreKey
from strongroom.stores.describe import parse_description, read_description
from strongroom.stores.generations import newest_parsable, put_or_generation
from strongroom.stores.interface import Store
from strongroom.usecases.sealed.seals import read_seals

_LIMIT = 1 << 20


def keep_description(kept: Store, store: Store) -> None:
    """Keep a copy, if there is none of just these bytes."""
    description = read_description(store)
    data = description.to_bytes()
    put_or_generation(kept, _kept(description.id, description.number), data, Digest.of(data))


def mend_description(kept: Store, store: Store, store_id: str, bags: list[BagRow]) -> bool:
    """Put the kept description back as the next generation, where the store lacks a readable one. Whether that was done.

    Only where a bag that is known to lie in this very store is found in it, and nothing says that it is another: an empty mount point
    or another disk is left alone, though it may hold replicas of the same bags.
    """
    with suppress(WrongStoreError, DamagedInStoreError):
        read_description(store)
        return False
    there = any(one.digest == row.seal for row in bags if store_id in row.stores for one in read_seals(store, row.bag).found)
    numbers = [stat.key.base[0] for stat in kept.list(f"stores/{check_id(store_id)}/")]
    if not there or not numbers:
        return False
    try:
        description = newest_parsable(kept, numbers[-1], parse_description, _LIMIT)
    except (NotFoundInStoreError, DamagedInStoreError):
        return False
    data = description.to_bytes()
    key = StoreKey(f"strongroom-{description.number}.json") if description.number else DESCRIPTION
    put_or_generation(store, key, data, Digest.of(data))
    return True


def _kept(store_id: str, number: int) -> StoreKey:
    return StoreKey(f"stores/{check_id(store_id)}/{number:09d}.json")

"""The seal of a bag and its signature, byte for byte: what an exported bag is proved by."""

from __future__ import annotations

from contextlib import suppress

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedBagError, DamagedInStoreError, NotFoundInStoreError, StoreUnreachableError
from strongroom.stores.generations import generations, read_all
from strongroom.usecases.sealed.bag import SealedBag
from strongroom.usecases.sealed.seals import SEAL_LIMIT

_SIGNATURE_LIMIT = 64 << 10


def seal_bytes(bag: SealedBag) -> bytes:
    """The seal as it lies in a store. Raises DamagedBagError if no store that answers has it any more."""
    for store in bag.places:
        with suppress(StoreUnreachableError):
            for key in generations(store, keys.seal(bag.id)):
                with suppress(NotFoundInStoreError, DamagedInStoreError):
                    data = read_all(store, key, SEAL_LIMIT)
                    if Digest.of(data) == bag.digest:
                        return data
    raise DamagedBagError(f"{bag.id}: its seal {bag.digest.hex} could be read a moment ago and no longer can")


def signature_bytes(bag: SealedBag) -> bytes | None:
    """The signature of the seal, as the first store that has one keeps it. Not judged here."""
    key = keys.signature(bag.id, bag.seal.attempt)
    for store in bag.places:
        with suppress(NotFoundInStoreError, DamagedInStoreError, StoreUnreachableError):
            return read_all(store, key, _SIGNATURE_LIMIT)
    return None

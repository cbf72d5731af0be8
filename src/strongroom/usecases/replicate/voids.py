"""Seals that void a number: brought to every store, for numbers are never used again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, InvalidValueError
from strongroom.core.ids import BagId
from strongroom.core.seal import Void, parse_seal
from strongroom.stores.generations import generations, put_or_generation, read_all
from strongroom.stores.interface import Store
from strongroom.usecases.sealed.seals import SEAL_LIMIT, find_seals


def copy_voids(sources: Sequence[Store], target: Store, name: str, settled: Collection[BagId]) -> None:
    """Bring each one that `target` lacks. Not those of labels that are `settled`: a bag is there, by a trusted signature."""
    for source in sources:
        for seals in find_seals(source, name):
            if seals.void and seals.bag not in settled:
                there = {Digest.of(data) for data in _voids(target, seals.bag)}
                for data in _voids(source, seals.bag):
                    if Digest.of(data) not in there:
                        put_or_generation(target, keys.seal(seals.bag), data, Digest.of(data))


def _voids(store: Store, bag: BagId) -> Iterator[bytes]:
    for key in generations(store, keys.seal(bag)):
        try:
            data = read_all(store, key, SEAL_LIMIT)
            if isinstance(parse_seal(data, what=str(key)), Void):
                yield data
        except (InvalidValueError, DamagedInStoreError):
            continue  # damaged, which whoever looks at the seals says

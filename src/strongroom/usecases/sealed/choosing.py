"""Which seal is the bag that is meant, out of the stores that can be asked (docs/format.md, sections 1.2 and 10.5)."""

from __future__ import annotations

from strongroom.core import keys
from strongroom.core.errors import (
    DamagedBagError,
    InvalidValueError,
    RefusedError,
    StoreError,
    StoreUnreachableError,
    StrongroomError,
    UsageError,
)
from strongroom.core.findings import Code, Finding
from strongroom.core.seal import Seal, parse_seal
from strongroom.stores.generations import answers, find_generation, read_all
from strongroom.stores.interface import Store
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.places import Target
from strongroom.usecases.sealed.seals import SEAL_LIMIT, FoundSeal, read_seals


def choose_seal(target: Target, collector: Collector) -> FoundSeal:
    """The seal of the bag that is meant. Damage to it is a warning where another generation or another store has it whole.

    Raises UsageError if no store that answered has such a bag, RefusedError if it is forked and nothing chooses,
    DamagedBagError if its seal is damaged everywhere, StoreUnreachableError if a store that might have it did not answer.
    """
    damaged: list[Finding] = []
    found = None
    try:
        found = _first(target, collector, damaged)
    finally:
        warn = found is not None
        collector.extend(Finding(Code.COPY_DAMAGED, one.place, one.message) if warn else one for one in damaged)
    if found is None:
        raise _no_seal(target, damaged)
    return found


def _first(target: Target, collector: Collector, damaged: list[Finding]) -> FoundSeal | None:
    for store in target.places:
        try:
            seals = every = read_seals(store, target.bag)
            if target.arbiter is not None:
                seals = target.arbiter.settle(store, every)
        except StoreUnreachableError as error:
            if (known := _known(store, target)) is not None:
                damaged.append(Finding(Code.SEAL_DAMAGED, store.url, f"{error}. {known.key} has the seal, and was read instead"))
                return known
            target.places.give_up(store, error)
            continue
        for one in seals.findings:
            if one.code is Code.SEAL_DAMAGED:
                damaged.append(one)
            elif one.code is not Code.FORKED or target.arbiter is not None:
                collector.add(one)
        if seals.settled and not target.asked:
            return seals.found[0]  # whatever the catalogue took for the bag
        found = [one for one in every.found if target.seal in (None, one.digest)]
        if len(found) > 1 or (found and target.seal is None and seals.void):
            choices = ", ".join(one.digest.hex for one in found)
            raise RefusedError(f"{store.url}: {target.bag} is forked; choose one of its seals with --seal: {choices}")
        if found:
            return found[0]
    return None


def _known(store: Store, target: Target) -> FoundSeal | None:
    """Of a store that has a generation that cannot be read, which may be another seal: the one that is known by its digest, or none."""
    if target.seal is None or not answers(store):
        return None
    try:
        key = find_generation(store, keys.seal(target.bag), target.seal)
        seal = parse_seal(read_all(store, key, SEAL_LIMIT), what=str(key))
    except (StoreError, InvalidValueError):
        return None
    return FoundSeal(target.bag, key, target.seal, seal) if isinstance(seal, Seal) and seal.bag == target.bag else None


def _no_seal(target: Target, damaged: list[Finding]) -> StrongroomError:
    if target.places.skipped:
        return StoreUnreachableError(f"{target.bag}: no seal of it in the stores that answered, and not every store did")
    if damaged:
        return DamagedBagError(f"{target.bag}: its seal is damaged in every store that was asked")
    return UsageError(f"{target.bag}: no such bag in {', '.join(store.url for store in target.places)}")

"""The signature of a bag that a job reads."""

from __future__ import annotations

from collections.abc import Iterator

from strongroom.core.errors import StoreUnreachableError
from strongroom.signing import Keyring
from strongroom.stores.interface import Store
from strongroom.usecases.context import Context
from strongroom.usecases.sealed.bag import SealedBag
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.signatures.seals import Signature, judge_bag
from strongroom.usecases.signatures.store_keys import trust_in


def judge_opened(bag: SealedBag, context: Context, collector: Collector) -> Signature | None:
    """What the signature of an opened bag is worth; findings are collected. Further stores are asked only where the first has none
    that holds. None if no store that answers has the seal whole."""
    keyring = Keyring(context.home)
    last: list[Store] = []

    def stores() -> Iterator[Store]:
        for store in bag.places:
            last[:] = [store]
            yield store

    try:
        found, findings = judge_bag(stores(), bag.id, bag.digest, lambda store: trust_in(keyring, [store]))
    except StoreUnreachableError as error:
        bag.places.give_up(last[0], error)
        return None
    collector.extend(findings)
    return found

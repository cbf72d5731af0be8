"""The stores a repair can use: all that the catalogue knows and that answer, even one whose own description is damaged."""

from __future__ import annotations

from dataclasses import dataclass

from strongroom.catalogue import Catalogue
from strongroom.core.errors import DamagedInStoreError, StoreUnreachableError, WrongStoreError
from strongroom.core.findings import Code, Finding
from strongroom.stores.answering import AnsweringStore
from strongroom.stores.interface import Store
from strongroom.stores.open import StoreOptions
from strongroom.usecases.context import Context
from strongroom.usecases.policies import Policies
from strongroom.usecases.replicate.descriptions import keep_description, mend_description
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import Address, known_bags
from strongroom.usecases.sealed.places import open_address, open_undescribed


@dataclass(frozen=True, slots=True)
class Opened:
    """A store that answered; `url` as the catalogue has it."""

    store: Store  # as stores/answering.py has it: one object that cannot be read is that object's trouble
    id: str
    number: int
    url: str


def open_stores(
    context: Context, catalogue: Catalogue, kept: Store, collector: Collector, workers: int
) -> tuple[list[Opened], set[str], set[str]]:
    """The stores; the URLs at which none answered; and those of them at which one that is usually there did not.

    `workers` processes share the rate limit of each.
    """
    known, policies = known_bags(context), Policies.known(context)
    opened: list[Opened] = []
    silent: set[str] = set()
    faults: set[str] = set()
    for row in catalogue.stores():
        address = known.address(row.id, row.url)
        try:
            store = _open(address, policies.options(row.id, row.url, workers), row.id, catalogue, kept, collector)
        except (StoreUnreachableError, WrongStoreError, DamagedInStoreError) as error:
            silent.add(row.url)
            if policies.is_offline(row.id, row.url) and not isinstance(error, DamagedInStoreError):
                collector.add(Finding(Code.STORE_ABSENT, row.url, f"not attached, and marked `offline`: {error}"))
            else:
                faults.add(row.url)
                collector.add(Finding(Code.STORE_SKIPPED, row.url, f"could not be asked: {error}"))
            continue
        keep_description(kept, store)
        opened.append(Opened(AnsweringStore(store), row.id, catalogue.see_store(row.id, row.url), row.url))
    return opened, silent - {one.url for one in opened}, faults


def _open(address: Address, options: StoreOptions, store_id: str, catalogue: Catalogue, kept: Store, collector: Collector) -> Store:
    try:
        open_address(address, patient=False, options=options)  # a server that is down is not waited for; others are
    except (DamagedInStoreError, WrongStoreError):
        bare = open_undescribed(address)
        turns = len(catalogue.store_ids(address.url)) > 1  # whose description it lost, a disk cannot say
        if turns or not mend_description(kept, bare, store_id, catalogue.bags()):
            raise
        collector.add(Finding(Code.REPAIRED, f"{address.url}: strongroom.json", "sound again, from the copy at home"))
    return open_address(address, options=options)

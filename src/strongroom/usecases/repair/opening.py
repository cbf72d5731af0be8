"""The stores a repair can use: all that the catalogue knows and that answer, even one whose own description is damaged."""

from __future__ import annotations

from dataclasses import dataclass

from strongroom.catalogue import Catalogue
from strongroom.core.errors import DamagedInStoreError, StoreUnreachableError, WrongStoreError
from strongroom.core.findings import Code, Finding
from strongroom.stores.interface import Store
from strongroom.usecases.context import Context
from strongroom.usecases.replicate.descriptions import keep_description, mend_description
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import Address, known_bags
from strongroom.usecases.sealed.places import open_address, open_undescribed


@dataclass(frozen=True, slots=True)
class Opened:
    """A store that answered; `url` as the catalogue has it."""

    store: Store
    id: str
    number: int
    url: str


def open_stores(context: Context, catalogue: Catalogue, kept: Store, collector: Collector) -> tuple[list[Opened], set[str]]:
    """The stores, and the URLs of those that did not answer."""
    known = known_bags(context)
    opened: list[Opened] = []
    silent: set[str] = set()
    for row in catalogue.stores():
        address = known.address(row.id, row.url)
        try:
            store = _open(address, row.id, catalogue, kept, collector)
        except (StoreUnreachableError, WrongStoreError, DamagedInStoreError) as error:
            silent.add(row.url)
            collector.add(Finding(Code.STORE_SKIPPED, row.url, f"could not be asked: {error}"))
            continue
        keep_description(kept, store)
        opened.append(Opened(store, row.id, catalogue.see_store(row.id, row.url), row.url))
    return opened, silent


def _open(address: Address, store_id: str, catalogue: Catalogue, kept: Store, collector: Collector) -> Store:
    try:
        open_address(address, patient=False)  # a server that is down is not waited for; one that answers is met with patience
    except (DamagedInStoreError, WrongStoreError):
        bare = open_undescribed(address)
        if not mend_description(kept, bare, store_id, catalogue.bags()):
            raise
        collector.add(Finding(Code.REPAIRED, f"{address.url}: strongroom.json", "sound again, from the copy at home"))
    return open_address(address)

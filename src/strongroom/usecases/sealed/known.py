"""What the catalogue knows of bags and stores. No catalogue means nothing is known, which is no error: it is a cache."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from strongroom.catalogue import BagRow, Catalogue, CollectionRow, StoreRow
from strongroom.catalogue.withheld import withheld_files
from strongroom.core.ids import BagId
from strongroom.usecases.context import Context


@dataclass(frozen=True, slots=True)
class Address:
    """Where a store lies; `id` None: whatever store is there."""

    url: str
    id: str | None = None
    manifest: str | None = None  # a collection manifest that may say how to reach it


@dataclass(frozen=True, slots=True)
class Known:
    """Bags by name and version, the stores there are, the collections there are."""

    rows: tuple[BagRow, ...] = ()
    stores: tuple[StoreRow, ...] = ()
    collections: tuple[CollectionRow, ...] = ()
    withheld: dict[BagId, int] = field(default_factory=dict)  # files that are withheld, by bag; none: the bag has none

    def addresses(self, rows: Iterable[BagRow]) -> list[Address]:
        """The stores that hold any of these bags, in the order in which the catalogue lists stores."""
        ids = {store for row in rows for store in row.stores}
        return [self.address(store.id, store.url) for store in self.stores if store.id in ids]

    def address(self, store_id: str, url: str) -> Address:
        """The store, with the manifest of a collection that has a bag in it."""
        names = {row.bag.name for row in self.rows if store_id in row.stores}
        return Address(url, store_id, next((row.manifest for row in self.collections if row.name in names and row.manifest), None))


def known_bags(context: Context, name: str | None = None) -> Known:
    """What the catalogue says, of one collection or of all."""
    if not context.has_catalogue():
        return Known()
    with Catalogue.open(context.catalogue) as catalogue:
        collections = tuple(row for row in catalogue.collections() if name in (None, row.name))
        return Known(tuple(catalogue.bags(name)), tuple(catalogue.stores()), collections, withheld_files(catalogue))

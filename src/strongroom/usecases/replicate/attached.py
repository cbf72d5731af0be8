"""The stores of a collection manifest that answer now, and those that do not."""

from __future__ import annotations

from dataclasses import dataclass

from strongroom.catalogue import Catalogue
from strongroom.collections.model import CollectionManifest, StoreRef
from strongroom.core.errors import StoreUnreachableError, WrongStoreError
from strongroom.stores.interface import Store
from strongroom.usecases.archive.destination import known_id, not_there, open_reference
from strongroom.usecases.sealed.collector import Collector


@dataclass(frozen=True, slots=True)
class Attached:
    """An open store, its id, its number in the catalogue, and where it stands in the collection manifest."""

    store: Store
    id: str
    number: int
    position: int


@dataclass(frozen=True, slots=True)
class Absent:
    """A store that does not answer; `id` None: it was never seen."""

    reference: StoreRef
    id: str | None
    position: int


def attach(manifest: CollectionManifest, catalogue: Catalogue, collector: Collector, workers: int) -> tuple[list[Attached], list[Absent]]:
    """Open what can be opened; `workers` processes share the rate limit of each.

    That a store marked `offline` is absent is a note; of any other it is a warning.
    """
    attached: list[Attached] = []
    absent: list[Absent] = []
    for position, reference in enumerate(manifest.stores):
        try:
            attached.append(Attached(*open_reference(reference, catalogue, workers), position))
        except (WrongStoreError, StoreUnreachableError) as error:
            absent.append(Absent(reference, _id(reference, catalogue), position))
            collector.add(not_there(reference, error))
    return attached, absent


def _id(reference: StoreRef, catalogue: Catalogue) -> str | None:
    try:
        return known_id(reference, catalogue)
    except WrongStoreError:
        return None

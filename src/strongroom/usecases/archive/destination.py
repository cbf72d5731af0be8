"""The store a run makes its bag in, and the others it can see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from strongroom.catalogue import BagRow, Catalogue
from strongroom.collections.model import CollectionManifest, StoreRef
from strongroom.core.errors import StoreError, StoreUnreachableError, UsageError, WrongStoreError
from strongroom.core.findings import Code, Finding
from strongroom.stores.describe import open_known_store, read_description
from strongroom.stores.heeding import HeedingStore
from strongroom.stores.interface import Store
from strongroom.usecases.archive.previous import LastSeal
from strongroom.usecases.found import look_at_place
from strongroom.usecases.sealed.reaching import store_options

_WAY_OUT: Final = ("No bag was made, so that two do not get one number: attach it and try again; if it may be away, mark it "
                   "`offline: true` in the collection manifest")


@dataclass(frozen=True, slots=True)
class Destination:
    """`store`, with its id and number in the catalogue, takes the new bag; `all` are the stores that answered, it among them.

    `unasked` are replicas that should have answered and did not: where each lies, by id.
    """

    store: HeedingStore
    id: str
    number: int
    all: list[Store]
    ids: frozenset[str]  # of all
    unasked: Mapping[str, str]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    def check_known(self, last: LastSeal, known: BagRow | None) -> LastSeal:
        """`last`, with what the catalogue knows beyond it. Raises StoreUnreachableError if the last bag lies in no store within reach, or
        in one that should have answered and did not."""
        if known is None or known.bag.version <= (last.seal.bag.version if last.seal else 0):
            return last
        if not self.ids & set(known.stores) or self.unasked.keys() & set(known.stores):
            raise StoreUnreachableError(
                f"{known.bag} is known to lie in a store that is not attached (id {', '.join(known.stores) or 'unknown'}); attach it, "
                "so that the next bag can follow it"
            )
        gone = Finding(
            Code.SEAL_DAMAGED, str(known.bag), f"was sealed ({known.seal}) in a store that is attached, and its seal is gone: the store "
            "was put back to an older state, or somebody removed it. The next bag takes a number after it"
        )
        return replace(last, highest=max(last.highest, known.bag.version), findings=(*last.findings, gone))

    def check_unasked(self, name: str, last: LastSeal) -> None:
        """Raise StoreUnreachableError if a replica that should have answered may hold bags that follow `last` (docs/decisions/0004)."""
        for store_id, place in self.unasked.items():
            if last.seal is None:
                why = f"whether it holds bags of {name} already is not known"
            elif last.seal.store == store_id:
                why = f"{last.seal.bag} was made there, and others may have followed it"
            else:
                continue
            raise StoreUnreachableError(f"{place}: does not answer, and {why}. {_WAY_OUT}")

    def check_same_collection(self, manifest: CollectionManifest, last: LastSeal) -> None:
        """Raise UsageError if the name belongs to another collection in these stores."""
        if last.seal is not None and manifest.uuid not in (None, last.seal.collection):
            raise UsageError(
                f"{manifest.file}: the collection's UUID is {manifest.uuid}, and {last.seal.bag} in {last.store and last.store.url} "
                f"belongs to the collection {last.seal.collection}: two collections cannot share the name {manifest.name}. Rename one"
            )


@contextmanager
def open_destination(manifest: CollectionManifest, catalogue: Catalogue, workers: int) -> Iterator[Destination]:
    """The first store of the collection manifest that may be used now, and every other one that answers.

    A store marked `offline` may be absent, or another one lie there. Any other that comes before one that can take the bag stops the run;
    a replica after it is passed over, if this installation has met it before. Raises StoreError.
    """
    opened: list[tuple[Store, str, int]] = []
    unasked: dict[str, str] = {}
    findings: list[Finding] = []
    for reference in manifest.stores:
        try:
            opened.append(open_reference(reference, catalogue, workers))
        except (WrongStoreError, StoreUnreachableError) as error:
            if not reference.offline:
                if not any(store.capabilities.create_only for store, _, _ in opened):
                    raise
                unasked[_met_before(reference, catalogue, error)] = str(reference)
            findings.append(not_there(reference, error))
    if not opened:
        raise StoreUnreachableError(f"{manifest.file}: none of its stores ({len(manifest.stores)}) is attached; attach one and try again")
    first = next((one for one in opened if one[0].capabilities.create_only), None)
    if first is None:
        raise StoreError(
            f"{opened[0][0].url}: cannot create objects only where there are none, so it can hold replicas but not be the first store "
            "of a bag; put a store that can first in the collection manifest"
        )
    raw, store_id, number = first
    store = HeedingStore(raw)
    others = [other for other, _, _ in opened if other is not raw]
    notes = tuple(f"still to be replicated to {other}" for other in (*(one.url for one in others), *unasked.values()))
    ids = frozenset(one[1] for one in opened)
    yield Destination(store, store_id, number, [store, *others], ids, unasked, tuple(findings), notes)


def not_there(reference: StoreRef, error: StoreError) -> Finding:
    """That a store did not answer: a note where it is marked `offline`, and a warning elsewhere."""
    if reference.offline:
        return Finding(Code.STORE_ABSENT, str(reference), f"not attached, and marked `offline`: {error}")
    return Finding(Code.STORE_SKIPPED, str(reference), f"could not be asked: {error}")


def _met_before(reference: StoreRef, catalogue: Catalogue, error: StoreError) -> str:
    """The id of a store that did not answer. Raises StoreUnreachableError where the catalogue does not know it."""
    store_id = known_id(reference, catalogue)
    if store_id is None or store_id not in {row.id for row in catalogue.stores()}:
        raise StoreUnreachableError(f"{error}. Nothing is known here of what it holds, and it may hold bags of this collection. "
                                    f"{_WAY_OUT}") from error
    return store_id


def known_id(reference: StoreRef, catalogue: Catalogue) -> str | None:
    """The id of the store that is meant, as far as it is known: as the collection manifest says, else that of the one seen there.

    Raises WrongStoreError where several were seen and the manifest does not choose.
    """
    seen = [reference.id] if reference.id else catalogue.store_ids(reference.url)
    if len(seen) > 1:
        raise WrongStoreError(f"{reference.url}: several stores take turns there ({', '.join(seen)}); say in the collection manifest which "
                              "is meant, with `id`")
    return seen[0] if seen else None


def open_reference(reference: StoreRef, catalogue: Catalogue, workers: int) -> tuple[Store, str, int]:
    """A store of a collection manifest, its id and its number in the catalogue. `workers` processes share its rate limit.

    Raises StoreError.
    """
    store = open_known_store(reference.url, known_id(reference, catalogue), store_options([reference], workers))
    store_id = read_description(store).id
    number = catalogue.see_store(store_id, reference.url)
    look_at_place(catalogue, store, number, once=True)
    return store, store_id, number

"""Where a content may be read, the nearest store first: by the catalogue, then by what the placements of its bags say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from strongroom.catalogue import Catalogue
from strongroom.catalogue.places import content_places
from strongroom.core import canonical, keys
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, NotFoundInStoreError, StoreError, WrongStoreError
from strongroom.core.keys import StoreKey
from strongroom.core.placement import parse_place
from strongroom.stores.describe import read_description
from strongroom.stores.generations import generations, read_all
from strongroom.stores.interface import Store
from strongroom.usecases.context import Context
from strongroom.usecases.room.shelves import Shelves
from strongroom.usecases.sealed.known import Address, known_bags

_PLACEMENT_LIMIT = 64 << 20  # what one request may take: the catalogue knows more, and this is where it does not


class NotSoundError(Exception):
    """No sound copy of the content was found. `wrong`: the places with wrong bytes; none: it is in none of the stores."""

    def __init__(self, wrong: list[str]) -> None:
        super().__init__(", ".join(wrong))
        self.wrong = wrong


class OutOfReachError(Exception):
    """Not found in the stores that answered, and not every store did: says nothing about the content. `silent`: who did not, and why."""

    def __init__(self, silent: list[str]) -> None:
        super().__init__(", ".join(silent))
        self.silent = silent


@dataclass(slots=True)
class Search:
    """How looking for one content went: what held wrong bytes, and who did not answer."""

    wrong: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)

    def miss(self, address: Address, error: Exception) -> None:
        line = f"{address.url}: {error}"
        if line not in self.silent:
            self.silent.append(line)

    def failure(self) -> NotSoundError | OutOfReachError:
        """What to say where nothing was found."""
        return OutOfReachError([*self.silent, *self.wrong]) if self.silent else NotSoundError(self.wrong)


@dataclass(frozen=True, slots=True)
class Spot:
    """An object of a store to look into, without its generation."""

    address: Address
    store: Store
    kind: str  # "pack", "zstd", "content"
    key: StoreKey


def spots(context: Context, shelves: Shelves, digest: Digest, names: Collection[str], search: Search) -> Iterator[Spot]:
    """The objects that may hold a content of these collections, each once; a store that does not answer is noted and passed over."""
    holding = shelves.holding(names)
    with Catalogue.open(context.catalogue) as catalogue:
        known = [place for place in content_places(catalogue, digest.raw, names) if place.store in holding]
    tried: set[tuple[str | None, StoreKey]] = set()
    for address in shelves.addresses({place.store for place in known}):
        for place in known:
            if place.store == address.id:
                tried.add((address.id, place.key))
                yield from _spot(shelves, address, place.kind, place.key, search)
    for name in sorted(names):
        rows = known_bags(context, name).rows
        for address in shelves.addresses({store for row in rows for store in row.stores}):
            labels = {row.bag: None for row in reversed(rows) if address.id in row.stores}
            for bag in labels:
                for kind, key in _placed(shelves, address, keys.placement(bag), digest, search):
                    if (address.id, key) not in tried:
                        tried.add((address.id, key))
                        yield from _spot(shelves, address, kind, key, search)


def doubt(spots: Iterable[Spot], search: Search) -> None:
    """Where nothing was found: whether the stores are still there at all. An empty folder where a disk was mounted lacks everything, and
    that says nothing about the disk."""
    for spot in {spot.address.url: spot for spot in spots}.values():
        try:
            found = read_description(spot.store).id
            if spot.address.id not in (None, found):
                search.miss(spot.address, WrongStoreError(f"another store lies there now ({found})"))
        except (StoreError, DamagedInStoreError) as error:
            search.miss(spot.address, error)


def _spot(shelves: Shelves, address: Address, kind: str, key: StoreKey, search: Search) -> Iterator[Spot]:
    try:
        yield Spot(address, shelves.open(address), kind, key)
    except StoreError as error:
        search.miss(address, error)


def _placed(shelves: Shelves, address: Address, key: StoreKey, digest: Digest, search: Search) -> list[tuple[str, StoreKey]]:
    """What a bag's placement names that can hold the content."""
    found: list[tuple[str, StoreKey]] = []
    try:
        store = shelves.open(address)
        for at in generations(store, key):
            for line in read_all(store, at, _PLACEMENT_LIMIT).splitlines():
                kind, named = parse_place(canonical.loads_line(line, what=str(at)))
                if kind != "content" or named == digest:
                    found.append((kind, keys.stored(kind, named)))
    except (InvalidValueError, DamagedInStoreError, NotFoundInStoreError):
        pass  # a hint
    except StoreError as error:
        search.miss(address, error)
    return found

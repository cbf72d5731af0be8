"""What takes the place of packs that go: in the placements of bags, and in the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from strongroom.catalogue import Catalogue
from strongroom.core import canonical, keys
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, InvalidValueError
from strongroom.core.ids import BagId
from strongroom.core.keys import StoreKey
from strongroom.core.placement import PLACEMENT_LIMIT, parse_place, place_line
from strongroom.stores.generations import generations, put_or_generation, read_all
from strongroom.stores.interface import Store
from strongroom.usecases.replicate.sink import Written
from strongroom.usecases.sweep.heed import stored_at
from strongroom.usecases.sweep.scratch import Scratch

Place = tuple[str, Digest]


def correct_placements(scratch: Scratch, store: Store, moved: Mapping[str, Sequence[Written]]) -> int:
    """Write the next generation of each placement that names a pack that goes; how many. A hint, so that readers need not search."""
    instead = {place: written for base, written in moved.items() if (place := stored_at(StoreKey(base))) is not None}
    corrected = 0
    for (text,) in list(scratch.rows("SELECT DISTINCT bag FROM seals ORDER BY bag")) if instead else ():
        bag = BagId.parse(text)
        for key in generations(store, keys.placement(bag))[:1]:
            with suppress(InvalidValueError, DamagedInStoreError):
                lines = read_all(store, key, PLACEMENT_LIMIT).splitlines()
                places = {parse_place(canonical.loads_line(line, what=str(key))) for line in lines}
                going = places & instead.keys()
                if going:
                    places = (places - going) | {(one.kind, one.digest) for place in going for one in instead[place]}
                    data = "".join(sorted(place_line(*place) for place in places)).encode()
                    put_or_generation(store, keys.placement(bag), data, Digest.of(data))
                    corrected += 1
    return corrected


def record_moved(catalogue: Catalogue, number: int, base: str, written: Sequence[Written]) -> None:
    """Let the catalogue know where the contents lie now, shared as far as they were. What it did not know it learns when it must."""
    place = stored_at(StoreKey(base))
    if place is None:
        return
    for one in written:
        for scope in catalogue.scopes_of(number, *place):
            catalogue.record_object(number, one.kind, one.digest, one.size, scope=scope, contents=one.contents, verified=True)

"""Sound bytes under wrong keys: two files that changed places are both damaged, and neither is lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from strongroom.catalogue import Catalogue
from strongroom.catalogue.checks import found_damaged
from strongroom.core.digests import Digest
from strongroom.core.keys import StoreKey
from strongroom.stores.interface import Store
from strongroom.usecases.repair.opening import Opened

#: Where the bytes of a digest were seen last.
Whereabouts = tuple[tuple[Store, StoreKey], ...]


class Misplaced:
    """What the last audits read where something else should lie, in the stores that are open. Whoever uses it reads it again."""

    def __init__(self, catalogue: Catalogue, opened: Sequence[Opened]) -> None:
        self._catalogue, self._stores = catalogue, {one.number: one.store for one in opened}

    def find(self, digests: Iterable[Digest]) -> dict[Digest, Whereabouts]:
        """Those of the digests that were read under other keys, each with its places. Looks at every damaged key there is."""
        wanted = {digest.hex: digest for digest in digests}
        found: dict[Digest, Whereabouts] = {}
        for number, key, digest in found_damaged(self._catalogue) if wanted else ():
            if digest in wanted and number in self._stores:
                found[wanted[digest]] = (*found.get(wanted[digest], ()), (self._stores[number], key))
        return found

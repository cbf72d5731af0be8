"""With whom the contents of a pack may be shared, as the bags of its store say."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from strongroom.core import canonical, keys
from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError, StoreError
from strongroom.core.placement import PLACEMENT_LIMIT, parse_place
from strongroom.stores.generations import generations, read_all
from strongroom.stores.interface import Store
from strongroom.usecases.sealed.seals import find_seals

#: The scope of what cannot be attributed. No collection can have this name.
NOBODY: Final = "?"

_LIMIT: Final = 256 * 1024**2


def scopes_of(store: Store, wanted: set[Digest]) -> dict[Digest, set[str]]:
    """For each of the packs and large contents in `wanted` that bags of the store name in their placement: the scopes of those bags.

    A scope is "" (shared with every collection) or the name of a collection with `dedup: collection`. An object that any restricted
    bag names is never given the scope "" for another bag's sake.
    """
    found: dict[Digest, set[str]] = {}
    for seals in find_seals(store):
        for sealed in seals.found:
            with suppress(InvalidValueError, StoreError):  # hints; what cannot be read is shared with nobody
                key = keys.tag_file(sealed.bag, sealed.seal.attempt, "metadata/collection.json")
                document = canonical.loads(read_all(store, key, _LIMIT), what=str(key))
                restricted = not isinstance(document, dict) or document.get("dedup") == "collection"
                scope = sealed.bag.name if restricted else ""
                for placement in generations(store, keys.placement(sealed.bag)):  # one of them may be of an attempt that lost
                    for line in read_all(store, placement, PLACEMENT_LIMIT).splitlines():
                        digest = _place(canonical.loads_line(line, what=str(placement)))
                        if digest in wanted:
                            found.setdefault(digest, set()).add(scope)
    return {digest: scopes - {""} if len(scopes) > 1 else scopes for digest, scopes in found.items()}


def _place(line: Any) -> Digest:
    return parse_place(line)[1]

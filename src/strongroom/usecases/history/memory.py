"""What this machine remembers of stores: batches and bags that its catalogue knows to have lain in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from strongroom.catalogue import Catalogue
from strongroom.catalogue.checks import known_below
from strongroom.core.batch import parse_key
from strongroom.core.outcomes import CheckOutcome
from strongroom.usecases.history.scratch import Scratch


def remember(scratch: Scratch, catalogue: Catalogue, store_id: str) -> None:
    """Take in what the catalogue knows of a store; nothing, if it does not know the store.

    Only of batches that this installation wrote is it sure what they held: what an audit read first may have been altered by then.
    """
    if store_id not in {row.id for row in catalogue.stores()}:
        return
    number = catalogue.store_number(store_id)
    scratch.add("remembered", _batches(catalogue, number, store_id))
    held = (row for row in catalogue.bags() if store_id in row.stores)
    scratch.add("remembered_bags", [(store_id, str(row.bag), row.seal.hex) for row in held])


def _batches(catalogue: Catalogue, number: int, store_id: str) -> Iterator[tuple[Any, ...]]:
    own = catalogue.writer(number)
    for row in known_below(catalogue, number, "log/"):
        named, digest = parse_key(row.key), row.found if row.outcome is CheckOutcome.SOUND else row.expected
        if named is not None and digest is not None:
            yield store_id, *named, digest, named[0] == own

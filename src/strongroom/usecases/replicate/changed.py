"""Seals that were changed where they lie, and still make sense as seals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from strongroom.core.digests import Digest
from strongroom.core.ids import BagId
from strongroom.usecases.replicate.bring import KnownBag

Identity = tuple[BagId, Digest]


def changed_seals(bags: Mapping[Identity, KnownBag], known: Iterable[Digest]) -> dict[Identity, Identity]:
    """Of several seals for one attempt, which has one only, those that are another with some bytes changed; and that other.

    It is the one that is `known` here. What stores say, by later seals or by their number, decides nothing: a seal that makes sense has
    a right sum, so a second one was planted, and whoever did that can write what speaks for it.
    """
    named = set(known)
    attempts: dict[tuple[BagId, str], list[Identity]] = {}
    for identity, bag in bags.items():
        attempts.setdefault((identity[0], bag.seal.attempt), []).append(identity)
    struck: dict[Identity, Identity] = {}
    for some in attempts.values():
        if len(some) > 1:
            true = [one for one in some if one[1] in named]
            if len(true) == 1:
                struck |= {one: true[0] for one in some if one != true[0]}
    return struck

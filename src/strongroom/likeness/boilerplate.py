"""What many documents of a collection share although they are different documents: notices, headers, footers, menus.

A shingle is boilerplate if many documents have it and they have little else in common. Many is a twentieth of the documents, and four. What
they have in common, their core, are the shingles that three in five of them have. The core may be half of what such a document
has. It may be nine tenths where it is how most of them begin and half of the collection has it: a notice over short texts is a notice.
So the body that forty copies of one article share is not taken for boilerplate, and the notice that was put over all of them is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

#: Documents that are looked at of a collection, and shingles of theirs in all: it is a sample that decides.
SAMPLE: Final = 2000
SAMPLE_SHINGLES: Final = 4_000_000
LEAST_DOCUMENTS: Final = 4
SHARE_OF_DOCUMENTS: Final = 0.05
_IN_CORE: Final = 0.6
_CORE_OF_MANY: Final = 0.5
_CORE_AT_THE_BEGINNING: Final = 0.9
_AS_WIDE: Final = 1.1
_GROUPS: Final = 3000  # of shingles that the same documents have; those with most shingles


def find(documents: Iterable[tuple[Array, int]]) -> Array:
    """The boilerplate of a sample of documents, as ascending uint32. Each has its distinct shingles, ascending, and the first of
    its text."""
    sets, firsts = [], []
    for shingles, first in documents:
        sets.append(shingles)
        firsts.append(first)
    nothing = np.zeros(0, dtype=np.uint32)
    least = max(LEAST_DOCUMENTS, SHARE_OF_DOCUMENTS * len(sets))
    if len(sets) < LEAST_DOCUMENTS:
        return nothing
    found, counts = np.unique(np.concatenate(sets), return_counts=True)
    candidates = found[counts >= least]
    if not len(candidates):
        return nothing
    within = _incidence(sets, candidates)
    groups, members, sizes = np.unique(np.packbits(within, axis=1), axis=0, return_inverse=True, return_counts=True)
    chosen = np.argsort(-sizes, kind="stable")[:_GROUPS]
    rows = np.unpackbits(groups[chosen], axis=1, count=len(sets)).astype(np.float32)
    lengths = np.array([len(one) for one in sets], dtype=np.float32)
    begins = _beginnings(np.array(firsts, dtype=np.uint32), candidates, members.ravel(), chosen)
    flagged = chosen[_judge(rows, sizes[chosen].astype(np.float32), lengths, begins)]
    result: Array = candidates[np.isin(members.ravel(), flagged)]
    return result


def _incidence(sets: list[Array], candidates: Array) -> Array:
    """Candidates × documents: which have which."""
    within = np.zeros((len(candidates), len(sets)), dtype=bool)
    for number, shingles in enumerate(sets):
        at = np.searchsorted(candidates, shingles)
        at[at == len(candidates)] = 0
        within[at[candidates[at] == shingles], number] = True
    return within


def _beginnings(firsts: Array, candidates: Array, members: Array, chosen: Array) -> Array:
    """For each document, the group (its place in `chosen`) of its first shingle; -1 if that is in none."""
    place = np.full(int(members.max()) + 1, -1, dtype=np.int64)
    place[chosen] = np.arange(len(chosen))
    at = np.searchsorted(candidates, firsts)
    at[at == len(candidates)] = 0
    found: Array = np.where(candidates[at] == firsts, place[members[at]], -1)
    return found


def _judge(rows: Array, sizes: Array, lengths: Array, begins: Array) -> Array:
    """Which groups are boilerplate. `rows`: groups × documents; `sizes`: shingles of each group; `lengths`: shingles of each document."""
    documents = rows.sum(axis=1)
    core = (rows @ rows.T) >= _IN_CORE * documents[:, None]  # group by group: is the one in the core of the other's documents?
    share = (core @ sizes) / ((rows @ lengths) / documents)
    begun = np.zeros(len(rows), dtype=np.float32)
    for number, here in enumerate(core):
        # what begins more documents than this group has is another's beginning: a notice over all, and this the body of some
        with_it = np.isin(begins, np.flatnonzero(here & (documents <= _AS_WIDE * documents[number])))
        begun[number] = rows[number][with_it].sum() / documents[number]
    most = 0.5 * rows.shape[1]
    found: Array = (share <= _CORE_OF_MANY) | ((share <= _CORE_AT_THE_BEGINNING) & (documents >= most) & (begun >= 0.5))
    return found

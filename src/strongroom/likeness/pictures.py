"""Which pictures are alike: those of which the hashes differ in few bits, and that look alike when laid over each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from strongroom.likeness.features import ImageFeatures

Array = np.ndarray[Any, np.dtype[Any]]

#: Bits of 64 that may differ. Of hashes that differ in at most 7, one of four runs of 16 bits is equal but for one bit: all are found.
MOST_BITS: Final = 6
#: Pictures with the same 16 bits are compared with at most so many others of them.
_NEIGHBOURS: Final = 256
_CORRELATION: Final = 0.9
_ASPECT: Final = 1.1


def find(hashes: Array, fresh: Array) -> Iterator[tuple[int, int, int]]:
    """(i, j, bits that differ) of hashes that are near, i < j, at least one of them fresh; `hashes` are uint64. Each pair once."""
    pairs: list[Array] = []
    for shift in (0, 16, 32, 48):
        band = ((hashes >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.uint32)
        order = np.argsort(band, kind="stable")
        ordered = band[order]
        for flip in (0, *(1 << bit for bit in range(16))):
            first = np.searchsorted(ordered, band ^ np.uint32(flip), side="left")
            after = np.searchsorted(ordered, band ^ np.uint32(flip), side="right")
            pairs.append(_near(hashes, fresh, order, first, np.minimum(after, first + _NEIGHBOURS)))
    found = np.unique(np.concatenate(pairs))
    for pair in found.tolist():
        i, j = pair >> 32, pair & 0xFFFFFFFF
        yield i, j, (int(hashes[i]) ^ int(hashes[j])).bit_count()


def _near(hashes: Array, fresh: Array, order: Array, first: Array, after: Array) -> Array:
    """Pairs i < j as one number each, of each i with those at the places first[i] to after[i] of `order`."""
    found = []
    for at in range(0, len(hashes), 20_000):
        count = (after - first)[at : at + 20_000]
        i = np.repeat(np.arange(at, at + len(count)), count)
        within = np.arange(len(i)) - np.repeat(np.cumsum(count) - count, count)
        j = order[np.repeat(first[at : at + 20_000], count) + within]
        near = (i != j) & (fresh[i] | fresh[j])
        i, j = i[near], j[near]
        close = np.bitwise_count(hashes[i] ^ hashes[j]) <= MOST_BITS
        low, high = np.minimum(i[close], j[close]), np.maximum(i[close], j[close])
        found.append(np.unique(low.astype(np.uint64) << np.uint64(32) | high.astype(np.uint64)))
    return np.concatenate(found)


def alike(a: ImageFeatures, b: ImageFeatures) -> bool:
    """Whether two pictures with near hashes have the same shape, and light and dark in the same places."""
    shape = (a.width * b.height) / (a.height * b.width)
    if not 1 / _ASPECT <= shape <= _ASPECT:
        return False
    x, y = (np.frombuffer(one.thumbnail, dtype=np.uint8).astype(np.float64) for one in (a, b))
    if x.std() < 1 or y.std() < 1:
        return False
    return float(np.corrcoef(x, y)[0, 1]) >= _CORRELATION

"""Which pictures are alike: those of which the hashes differ in few bits, and that show the same when laid over each other."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from strongroom.likeness.features import POINTS, ImageFeatures

Array = np.ndarray[Any, np.dtype[Any]]

#: Bits of 64 that may differ. Of hashes that differ in at most 7, one of four runs of 16 bits is equal but for one bit: all are found.
MOST_BITS: Final = 6
#: Pictures with the same 16 bits are compared with at most so many others of them.
_NEIGHBOURS: Final = 256
_ASPECT: Final = 1.1
#: Levels of 255 by which the mean over any 3 × 3 points may differ, so that edges may be sharp in the one and soft in the other, …
_LUMA: Final = 24.0
_COLOUR: Final = 28.0
#: … at half the points, where a picture is smaller than they are and was scaled, fewer: more is averaged there.
_HALF: Final = 16.0
#: Levels that a single point may differ and still count as agreeing.
_AGREES: Final = 16.0
#: A copy may have so many times the contrast of the other.
_CONTRAST: Final = 2.0
_GREY: Final = 8.0  # levels of colour difference: a picture that has nowhere more is grey


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


@dataclass(frozen=True, slots=True)
class Likeness:
    """What was measured of two pictures that show the same, b as against a."""

    points: int  # a side, at which they were compared: 64 or 32
    share: float  # of the points: those that agree
    lighter: float  # levels of 255, on the mean; negative: darker
    contrast: float  # times
    colours: tuple[bool, bool]  # whether there are any in a, in b


def compare(a: ImageFeatures, b: ImageFeatures) -> Likeness | None:
    """What two pictures have in common, brightness and contrast apart; None if they differ anywhere by more than copies do.

    Where one of them is grey, its colours are not compared with the other's.
    """
    shape = (a.width * b.height) / (a.height * b.width)
    if not 1 / _ASPECT <= shape <= _ASPECT:
        return None
    luma, colour = zip(_planes(a), _planes(b), strict=True)
    points, most_luma, most_colour = POINTS, _LUMA, _COLOUR
    if (a.width, a.height) != (b.width, b.height) and min(a.width, a.height, b.width, b.height) < POINTS:
        luma, colour = (_halved(luma[0]), _halved(luma[1])), (_halved(colour[0]), _halved(colour[1]))
        points, most_luma, most_colour = POINTS // 2, _HALF, _HALF
    means, deviations = [float(one.mean()) for one in luma], [float(one.std()) for one in luma]
    if min(deviations) < 1 or not 1 / _CONTRAST <= (contrast := deviations[1] / deviations[0]) <= _CONTRAST:
        return None
    # both on the wider scale, so that nothing plain gets faint
    scales = max(1.0, contrast), max(1.0, 1 / contrast)
    apart = (luma[0] - means[0]) * scales[0] - (luma[1] - means[1]) * scales[1]
    if _most(apart) > min(most_luma, *deviations):
        return None
    colours = float(np.abs(colour[0]).max()) > _GREY, float(np.abs(colour[1]).max()) > _GREY
    agrees = np.abs(apart[0]) <= _AGREES
    if all(colours):
        tinted = colour[0] * scales[0] - colour[1] * scales[1]
        if _most(tinted) > most_colour:
            return None
        agrees &= (np.abs(tinted) <= _AGREES).all(axis=0).repeat(2, axis=0).repeat(2, axis=1)
    return Likeness(points, float(agrees.mean()), means[1] - means[0], contrast, colours)


def _planes(one: ImageFeatures) -> tuple[Array, Array]:
    """Luma, and the colour differences as two layers, 0 being none."""
    values = np.frombuffer(zlib.decompress(one.thumbnail), dtype=np.uint8).astype(np.float64)
    return values[: POINTS**2].reshape(1, POINTS, POINTS), values[POINTS**2 :].reshape(2, POINTS // 2, POINTS // 2) - 128


def _halved(layers: Array) -> Array:
    count, side, _ = layers.shape
    return np.asarray(layers.reshape(count, side // 2, 2, side // 2, 2).mean(axis=(2, 4)))


def _most(difference: Array) -> float:
    """The largest mean over 3 × 3 points, of any layer."""
    side = difference.shape[1]
    around = np.pad(difference, ((0, 0), (1, 1), (1, 1)), mode="edge")
    total = sum(around[:, i : i + side, j : j + side] for i in range(3) for j in range(3))
    return float(np.abs(total).max()) / 9

"""Candidates compared in full: how much two texts really share, and what differs. For worker processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from strongroom.database import Where, open_reader
from strongroom.likeness import words
from strongroom.likeness.candidates import OpenSets, Sets, shared
from strongroom.likeness.features import TextFeatures
from strongroom.likeness.shelf import Shelf

#: Texts of fewer shingles are compared with none: they say too little.
LEAST: Final = 8
#: So many shingles must be shared for a text to be called contained in another that is not like it.
LEAST_CONTAINED: Final = 16

Row = tuple[int, int, str, float, float, float, str, str]


@dataclass(frozen=True, slots=True)
class VerifyBatch:
    """The candidates from `first` until before `end`."""

    sets: Sets
    catalogue: Where
    shelf: Path
    first: int
    end: int
    jaccard: float  # what is kept
    containment: float


@dataclass(slots=True)
class VerifyResult:
    rows: list[Row]  # as the catalogue keeps them
    count: int  # candidates that were compared


def verify(batch: VerifyBatch) -> VerifyResult:
    """Compare the candidates of a batch."""
    documents = batch.sets.open()
    candidates = batch.sets.array("candidates", "<u8")[batch.first : batch.end]
    with closing(open_reader(batch.catalogue)) as db, Shelf(batch.shelf) as shelf:

        @lru_cache(maxsize=256)
        def text(number: int) -> TextFeatures:
            return shelf.text(db.execute("SELECT sha256 FROM likeness_contents WHERE number = ?", (number,)).fetchone()[0])

        rows = []
        for small, large, jaccard, within, around in _alike(documents, candidates.tolist(), batch.jaccard, batch.containment):
            a, b = int(documents.contents[small]), int(documents.contents[large])
            a_in_b, b_in_a = within, around
            if a > b:
                a, b, a_in_b, b_in_a = b, a, b_in_a, a_in_b
            rows.append((a, b, "text", jaccard, a_in_b, b_in_a, *words.of_texts(text(a), text(b), jaccard, a_in_b, b_in_a)))
    return VerifyResult(rows, len(candidates))


def _alike(documents: OpenSets, candidates: list[int], least: float, contained: float) -> Iterator[tuple[int, int, float, float, float]]:
    """(smaller, larger, jaccard, share of the smaller, share of the larger) of those that are alike enough."""
    for pair in candidates:
        small, large = pair >> 32, pair & 0xFFFFFFFF
        x, y = documents[small], documents[large]
        both = shared(x, y)
        jaccard = both / (len(x) + len(y) - both)
        if jaccard >= least or (both >= LEAST_CONTAINED and both >= contained * len(x)):
            yield small, large, jaccard, both / len(x), both / len(y)

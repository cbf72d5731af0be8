"""Which documents are worth comparing, out of all pairs of them: those of which one seems to hold much of the other.

A document's sketch is its 24 least shingles (a bottom-k MinHash: hashes are as good as random, so it is a sample of the document). Where a
good part of the sketch of the smaller of two documents is found in the larger one, they are a candidate. So contained documents are found,
for which bands of MinHashes (LSH) are blind, and what is alike all the more: at a Jaccard of 0.8 the smaller is contained by nine tenths.

Everything lies in files; memory does not grow with the number of documents, but for some bytes each. Documents are numbered by size, so
that of two the lower is the smaller.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

SKETCH: Final = 24
#: The least part of a sketch that must be found.
FOUND: Final = 0.25
#: Documents that share a shingle are compared with at most so many of the next larger ones among them: a thousand copies of one page
#: are a chain then, and no half million pairs.
NEIGHBOURS: Final = 64
_PARTS: Final = 32  # files that postings, and pairs, are spread over
_BITS: Final = 25  # of a shingle that tell whether it may be in a sketch
_BATCH: Final = 2_000_000  # shingles at a time


class Document(NamedTuple):
    """A text to be compared."""

    content: int  # its number, whatever that means to the caller
    fresh: bool  # has not been compared with the others yet
    shingles: Array  # distinct, ascending, uint32, without boilerplate


@dataclass(frozen=True, slots=True)
class Sets:
    """The documents as files in `folder`; can be pickled."""

    folder: Path
    count: int

    def array(self, name: str, kind: str) -> Array:
        """A file mapped into memory, not read into it."""
        path = self.folder / name
        return np.memmap(path, dtype=kind, mode="r") if path.stat().st_size else np.zeros(0, dtype=kind)

    def open(self) -> OpenSets:
        return OpenSets(self)


class OpenSets:
    """The documents' shingles by document number."""

    def __init__(self, sets: Sets) -> None:
        self._shingles = sets.array("shingles", "<u4")
        self._starts = sets.array("starts", "<i8")
        self._lengths = sets.array("lengths", "<u4")
        self.contents = sets.array("contents", "<i8")
        self.fresh = sets.array("fresh", "?")
        self.edges = sets.array("edges", "<u4")

    def __getitem__(self, document: int) -> Array:
        start = int(self._starts[document])
        return self._shingles[start : start + int(self._lengths[document])]

    def spans(self) -> Iterator[tuple[Array, Array]]:
        """(document numbers, shingles), one number for each shingle, some millions at a time, in the order in which they were written."""
        order = np.argsort(self._starts, kind="stable")
        at = 0
        while at < len(order):
            ends = np.cumsum(self._lengths[order[at : at + 100_000]].astype(np.int64))
            count = max(1, int(np.searchsorted(ends, _BATCH)))
            chosen = order[at : at + count]
            start = int(self._starts[chosen[0]])
            yield np.repeat(chosen.astype(np.uint32), self._lengths[chosen]), self._shingles[start : start + int(ends[count - 1])]
            at += count


def write(documents: Iterable[Document], folder: Path) -> Sets:
    """Put the documents into files, numbered by size."""
    lengths, edges, contents, fresh = array("I"), array("I"), array("q"), bytearray()
    folder.mkdir()
    with (folder / "shingles").open("wb") as out:
        for document in documents:
            out.write(document.shingles.astype("<u4").tobytes())
            size = len(document.shingles)
            lengths.append(size)
            contents.append(document.content)
            fresh.append(document.fresh)
            edges.append(int(document.shingles[min(SKETCH, size) - 1]))
    size_of = np.array(lengths, dtype="<u4")
    starts = np.cumsum(size_of, dtype=np.int64) - size_of
    order = np.argsort(size_of, kind="stable")
    for name, values, kind in (("lengths", size_of, "<u4"), ("starts", starts, "<i8"), ("contents", contents, "<i8"), ("fresh", fresh, "?"),
                               ("edges", edges, "<u4")):  # the last shingle of each sketch
        np.array(values, dtype=kind)[order].tofile(folder / name)
    return Sets(folder, len(order))


def find(sets: Sets, advance: Callable[[int], None] = lambda _: None) -> int:
    """Write the candidates to the file "candidates" of the folder: of each the smaller document in the upper 32 bits, the larger in the
    lower, ascending. How many. Of two documents at least one is fresh. `advance` is told how many documents' worth of work is
    done."""
    documents = sets.open()
    edges = documents.edges
    _write_postings(sets, documents, edges)
    with _Parts(sets.folder, "pairs") as pairs:
        for part in range(_PARTS):
            postings = np.fromfile(sets.folder / f"postings-{part}", dtype="<u8")
            (sets.folder / f"postings-{part}").unlink()
            for found in _meetings(postings, edges, documents.fresh):
                pairs.add(found, (found >> np.uint64(32)) * np.uint64(_PARTS) // np.uint64(max(1, sets.count)))
            advance(sets.count * (part + 1) // _PARTS - sets.count * part // _PARTS)
    return _count(sets)


def _write_postings(sets: Sets, documents: OpenSets, edges: Array) -> None:
    """Every (shingle, document) of which the shingle is in some sketch, spread over files by shingle."""
    wanted = np.zeros(1 << _BITS, dtype=bool)
    tops: list[Array] = []
    for numbers, shingles in documents.spans():
        inside = shingles[shingles <= edges[numbers]]
        wanted[inside >> np.uint32(32 - _BITS)] = True
        tops.append(inside[:: max(1, len(inside) // 10_000)])
    if not tops:
        bounds = np.zeros(0, dtype=np.uint32)
    else:  # sketches are of the least shingles: files of equal size need bounds that follow them
        bounds = np.quantile(np.concatenate(tops), np.arange(1, _PARTS) / _PARTS).astype(np.uint32)
    with _Parts(sets.folder, "postings") as parts:
        for numbers, shingles in documents.spans():
            chosen = wanted[shingles >> np.uint32(32 - _BITS)]
            shingle, number = shingles[chosen], numbers[chosen]
            keys = shingle.astype(np.uint64) << np.uint64(32) | number
            parts.add(keys, np.searchsorted(bounds, shingle, side="left").astype(np.uint64))


def _meetings(postings: Array, edges: Array, fresh: Array) -> Iterator[Array]:
    """Pairs that share a shingle which is in the sketch of the smaller one; a pair as often as that happens here."""
    postings.sort()
    shingles = (postings >> np.uint64(32)).astype(np.uint32)
    numbers = (postings & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    sketched = shingles <= edges[numbers] if len(numbers) else np.zeros(0, dtype=bool)
    is_fresh = fresh[numbers] if len(numbers) else np.zeros(0, dtype=bool)
    for step in range(1, NEIGHBOURS + 1):
        same = shingles[:-step] == shingles[step:]
        if not same.any():
            return
        met = same & sketched[:-step] & (is_fresh[:-step] | is_fresh[step:])
        yield numbers[:-step][met].astype(np.uint64) << np.uint64(32) | numbers[step:][met]


def _count(sets: Sets) -> int:
    """Of the pairs, those that met often enough."""
    lengths = sets.array("lengths", "<u4")
    total = 0
    with (sets.folder / "candidates").open("wb") as out:
        for part in range(_PARTS):
            path = sets.folder / f"pairs-{part}"
            pairs, times = np.unique(np.fromfile(path, dtype="<u8"), return_counts=True)
            path.unlink()
            least = np.ceil(FOUND * np.minimum(lengths[(pairs >> np.uint64(32)).astype(np.int64)], SKETCH))
            found = pairs[times >= least]
            out.write(found.tobytes())
            total += len(found)
    return total


class _Parts:
    """Numbers spread over files."""

    def __init__(self, folder: Path, name: str) -> None:
        self._files = [(folder / f"{name}-{part}").open("wb") for part in range(_PARTS)]

    def __enter__(self) -> _Parts:
        return self

    def __exit__(self, *exc: object) -> None:
        for file in self._files:
            file.close()

    def add(self, values: Array, parts: Array) -> None:
        order = np.argsort(parts, kind="stable")
        values, parts = values[order].astype("<u8"), parts[order]
        ends = np.searchsorted(parts, np.arange(_PARTS + 1, dtype=np.uint64))
        for part, file in enumerate(self._files):
            file.write(values[ends[part] : ends[part + 1]].tobytes())


def shared(small: Array, large: Array) -> int:
    """How many shingles two documents share; both ascending, the smaller first."""
    at = np.searchsorted(large, small)
    at[at == len(large)] = len(large) - 1
    return int(np.count_nonzero(large[at] == small))

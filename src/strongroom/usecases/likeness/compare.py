"""Contents compared with each other, out of what was learned of each. Only what was not compared before is, with everything."""

from __future__ import annotations

import pickle
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from strongroom.catalogue import Catalogue
from strongroom.catalogue.catalogue import reading
from strongroom.catalogue.likeness import KEPT_CONTAINMENT, KEPT_JACCARD, PairRow, record_pairs
from strongroom.catalogue.likeness_work import (
    boilerplate,
    counts,
    images,
    record_boilerplate,
    replacing,
    sample,
    texts,
    uncompared,
)
from strongroom.likeness import boilerplate as shared_text
from strongroom.likeness import candidates, pictures, words
from strongroom.likeness.shelf import Shelf
from strongroom.likeness.verify import LEAST, VerifyBatch, VerifyResult, verify
from strongroom.runner.interface import Runner

Array = np.ndarray[Any, np.dtype[Any]]

#: Boilerplate is looked for again when a collection has so many times the documents it was found in.
_GROWTH: Final = 1.25
_SETTLED: Final = 50  # documents from which on that holds; with fewer it is always looked for
_BATCH: Final = 20_000  # candidates
_SHA: Final = "SELECT sha256 FROM likeness_contents WHERE number = ?"


def find_boilerplate(catalogue: Catalogue, shelf: Path, collections: tuple[str, ...], runner: Runner) -> None:
    """Find what the documents of each collection share, where it has grown enough since that was done."""
    known = boilerplate(catalogue)
    with runner.stage("find what documents share", files=len(collections)) as progress:
        for name in collections:
            documents = counts(catalogue, name).get("text", 0)
            before = known.get(name, (0, b""))[0]
            if documents != before and (documents < _SETTLED or not before / _GROWTH <= documents <= before * _GROWTH):
                found = shared_text.find(_sample(catalogue, shelf, name))
                record_boilerplate(catalogue, name, documents, found.astype("<u4").tobytes())
            progress.advance(1)


def _sample(catalogue: Catalogue, shelf: Path, name: str) -> Iterator[tuple[Array, int]]:
    total = 0
    for data, first in sample(catalogue, shelf, name, shared_text.SAMPLE):
        shingles = np.frombuffer(data, dtype="<u4")
        total += len(shingles)
        if len(shingles) >= LEAST:
            yield shingles, first
        if total > shared_text.SAMPLE_SHINGLES:
            return


def compare_texts(catalogue: Catalogue, shelf: Path, scratch: Path, runner: Runner) -> int:
    """Compare the texts that were not compared yet with all. How many pairs were compared in full."""
    if not uncompared(catalogue, "text"):
        return 0
    count = counts(catalogue).get("text", 0)
    shared = [np.frombuffer(shingles, dtype="<u4") for _, shingles in boilerplate(catalogue).values()]
    common = np.unique(np.concatenate(shared)) if shared else np.zeros(0, dtype=np.uint32)
    with runner.stage("sort texts", files=count) as progress:
        sets = candidates.write(_documents(catalogue, shelf, common, progress.advance), scratch / "sets")
    with runner.stage("find candidates", files=sets.count) as progress:
        found = candidates.find(sets, progress.advance)
    batches = [
        VerifyBatch(sets, catalogue.path, shelf, at, min(at + _BATCH, found), KEPT_JACCARD, KEPT_CONTAINMENT)
        for at in range(0, found, _BATCH)
    ]
    with _Rows(scratch / "rows") as rows:
        for result in runner.map("compare in full", verify, batches, files=found, weigh=_weigh, here=True):  # the shelf
            rows.add(result.rows)
        with replacing(catalogue, "text"):
            for part in rows:
                record_pairs(catalogue, part)
    return found


def _documents(catalogue: Catalogue, shelf: Path, common: Array, advance: Any) -> Iterator[candidates.Document]:
    for number, compared, data in texts(catalogue, shelf):
        shingles = np.frombuffer(data, dtype="<u4")
        if len(common):
            at = np.searchsorted(common, shingles)
            at[at == len(common)] = 0
            shingles = shingles[common[at] != shingles]
        advance(1)
        if len(shingles) >= LEAST:
            yield candidates.Document(number, not compared, shingles)


def _weigh(result: VerifyResult) -> tuple[int, int]:
    return result.count, 0


def compare_images(catalogue: Catalogue, shelf: Path, runner: Runner) -> int:
    """Compare the pictures that were not compared yet with all. How many pairs were compared in full."""
    if not uncompared(catalogue, "image"):
        return 0
    numbers, fresh, hashes = array("q"), bytearray(), array("Q")
    for number, compared, data in images(catalogue, shelf):
        numbers.append(number)
        fresh.append(not compared)
        hashes.append(int.from_bytes(data))
    tried = 0
    rows: list[PairRow] = []
    with runner.stage("compare pictures", files=len(numbers)) as progress, Shelf(shelf) as open_shelf, reading(catalogue) as db:
        for i, j, _ in pictures.find(np.array(hashes, dtype=np.uint64), np.array(fresh, dtype=bool)):
            tried += 1
            a, b = (open_shelf.image(db.execute(_SHA, (numbers[at],)).fetchone()[0]) for at in (i, j))
            if found := pictures.compare(a, b):
                rows.append((numbers[i], numbers[j], "image", found.share, found.share, found.share, *words.of_images(a, b, found)))
        progress.advance(len(numbers))
    with replacing(catalogue, "image"):
        record_pairs(catalogue, rows)
    return tried


class _Rows:
    """Pairs on the disk until all are there: the catalogue takes them in one go, so that it never has half of them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("w+b")

    def __enter__(self) -> _Rows:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()

    def add(self, rows: list[PairRow]) -> None:
        pickle.dump(rows, self._file, pickle.HIGHEST_PROTOCOL)

    def __iter__(self) -> Iterator[list[PairRow]]:
        self._file.seek(0)
        while self._file.peek(1):
            yield pickle.load(self._file)  # noqa: S301 -- written above

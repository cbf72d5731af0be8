"""Candidates out of many documents: none is missed that counts, a thousand copies do not become half a million pairs, and boilerplate."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from strongroom.likeness import boilerplate, candidates
from strongroom.likeness.candidates import NEIGHBOURS, Document

RANDOM = np.random.default_rng(5)


def some(count: int) -> np.ndarray:
    return np.unique(RANDOM.integers(0, 1 << 32, size=count, dtype=np.uint64).astype(np.uint32))


def find(documents: list[np.ndarray], folder: Path, fresh: set[int] | None = None) -> set[tuple[int, int]]:
    """By the numbers in `documents`, the lower first."""
    given = (Document(number, fresh is None or number in fresh, one) for number, one in enumerate(documents))
    sets = candidates.write(given, folder / "sets")
    count = candidates.find(sets)
    found = sets.array("candidates", "<u8")
    assert len(found) == count
    contents = sets.open().contents
    return {tuple(sorted((int(contents[int(pair) >> 32]), int(contents[int(pair) & 0xFFFFFFFF])))) for pair in found}


def test_nothing_that_counts_is_missed(tmp_path: Path) -> None:
    documents, expected = [], set()
    for number in range(400):
        one = some(int(RANDOM.integers(8, 3000)))
        documents.append(one)
        if number % 4 == 0:  # three quarters of it, in something that is up to four times as long
            keep = np.sort(RANDOM.permutation(one)[: 3 * len(one) // 4])
            expected.add((len(documents) - 1, len(documents)))
            documents.append(np.unique(np.concatenate((keep, some(int(len(one) * RANDOM.uniform(0.3, 4)))))))
    found = find(documents, tmp_path)
    assert len(found & expected) >= 0.99 * len(expected)
    assert len(found - expected) <= 0.05 * len(expected)


def test_only_pairs_with_something_new_in_them(tmp_path: Path) -> None:
    one, two = some(500), some(500)
    assert find([one, one, two, two], tmp_path, fresh={3}) == {(2, 3)}


def test_no_documents_at_all(tmp_path: Path) -> None:
    assert find([], tmp_path) == set()


def test_a_thousand_copies_are_a_chain(tmp_path: Path) -> None:
    core = some(300)
    found = find([np.unique(np.concatenate((core, some(5)))) for _ in range(1000)], tmp_path)
    assert len(found) <= 1000 * NEIGHBOURS
    family = list(range(1000))

    def head(number: int) -> int:
        while family[number] != number:
            number = family[number]
        return number

    for a, b in found:
        family[head(b)] = head(a)
    assert len({head(number) for number in range(1000)}) == 1


def test_boilerplate_is_what_documents_share_that_have_little_else_in_common() -> None:
    notice, article = some(60), some(400)
    strangers = [(np.union1d(notice, some(int(RANDOM.integers(20, 500)))), int(notice[0])) for _ in range(160)]
    copies = [(np.union1d(np.union1d(notice, article), some(30)), int(notice[0])) for _ in range(40)]
    assert boilerplate.find([*strangers, *copies]).tolist() == notice.tolist()
    families = [(np.union1d(np.union1d(notice, body), some(40)), int(notice[0])) for body in (some(200), some(200)) for _ in range(20)]
    assert boilerplate.find(families).tolist() == notice.tolist()  # not the bodies, though half of the documents have each
    assert boilerplate.find([(np.union1d(article, some(30)), 1) for _ in range(40)]).tolist() == []
    assert boilerplate.find(strangers[:3]).tolist() == []
    assert boilerplate.find([]).tolist() == []
    assert boilerplate.find([(some(50), 1) for _ in range(20)]).tolist() == []

"""Pairs and clusters as they are asked for, and that nobody is told of what they may not see."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from strongroom.catalogue import Catalogue
from strongroom.catalogue.likeness import Member, clusters, members, pairs_of, record_pairs
from strongroom.core.digests import Digest
from strongroom.database import Where

NAMES = [Digest.of(bytes([number])) for number in range(8)]


@pytest.fixture
def catalogue(catalogue_place: Where) -> Iterator[Catalogue]:
    """Contents 1 to 7. The collection "open" has 1, 2, 3, 5 and 6; "closed" has 3, 4 and 7."""
    catalogue = Catalogue.open(catalogue_place)
    with catalogue.transaction() as db:
        db.executemany("INSERT INTO likeness_contents (number, sha256) VALUES (?, ?)", ((n, NAMES[n].raw) for n in range(1, 8)))
        for name, contents in (("open", (1, 2, 3, 5, 6)), ("closed", (3, 4, 7))):
            db.executemany("INSERT INTO likeness_members VALUES (?, ?, ?, 1, 1, 2)", ((name, n, f"data/{name}-{n}") for n in contents))
    record_pairs(catalogue, [
        (1, 2, "text", 0.9, 0.95, 0.94, "added 3 lines", "lost 3 lines"),
        (2, 4, "text", 0.99, 0.99, 0.99, "same text, other markup", "same text, other markup"),  # 4 is closed
        (3, 4, "text", 0.85, 0.9, 0.9, "b", "a"),
        (2, 6, "text", 0.2, 0.2, 0.81, "contained: 81 %", "has more"),  # 6 is contained in 2
        (1, 6, "text", 0.19, 0.2, 0.7, "contained: 70 %", "has more"),
        (5, 6, "text", 0.55, 0.55, 0.58, "b", "a"),  # under both bars
    ])
    yield catalogue
    catalogue.close()


def test_a_pair_begins_with_the_content_that_was_asked_about(catalogue: Catalogue) -> None:
    (pair,) = (pair for pair in pairs_of(catalogue, NAMES[2], seen={"open"}) if pair.b == NAMES[1])
    assert (pair.a, pair.jaccard, pair.a_in_b, pair.b_in_a, pair.differs) == (NAMES[2], 0.9, 0.94, 0.95, "lost 3 lines")
    assert [pair.b for pair in pairs_of(catalogue, NAMES[6], seen=None)] == [NAMES[2], NAMES[1]]
    assert pairs_of(catalogue, NAMES[6], seen=None)[0].containment == 0.81


def test_nothing_is_told_of_what_may_not_be_seen(catalogue: Catalogue) -> None:
    assert {pair.b for pair in pairs_of(catalogue, NAMES[2], seen={"open"})} == {NAMES[1], NAMES[6]}
    assert {pair.b for pair in pairs_of(catalogue, NAMES[2], seen=None)} == {NAMES[1], NAMES[4], NAMES[6]}
    assert pairs_of(catalogue, NAMES[4], seen={"open"}) == []
    assert members(catalogue, NAMES[3], seen={"open"}) == [Member("open", "data/open-3", 1, 1, 2)]
    (cluster,) = clusters(catalogue, seen={"open"})
    assert cluster.contents == (NAMES[1], NAMES[2], NAMES[6])
    assert list(clusters(catalogue, seen=())) == []


def test_clusters_join_what_is_alike_and_what_is_contained(catalogue: Catalogue) -> None:
    (cluster,) = clusters(catalogue, seen=None)
    assert cluster.contents == tuple(NAMES[n] for n in (1, 2, 3, 4, 6))
    assert [(pair.a, pair.b) for pair in cluster.pairs][:2] == [(NAMES[2], NAMES[4]), (NAMES[1], NAMES[2])]
    assert cluster.count == 5
    assert [len(one.contents) for one in clusters(catalogue, seen=None, containment=0.9)] == [4]
    assert len(next(clusters(catalogue, seen=None, pairs=2)).pairs) == 2
    assert [len(one.contents) for one in clusters(catalogue, seen=None, jaccard=0.5, containment=0.95)] == [4, 2]


def test_of_one_collection_only_the_clusters_it_has_a_part_in(catalogue: Catalogue) -> None:
    assert [one.contents for one in clusters(catalogue, seen=None, collection="closed", containment=0.95)] == [
        tuple(NAMES[n] for n in (1, 2, 3, 4))]
    assert list(clusters(catalogue, seen={"open"}, collection="closed")) == []

"""Near-copies: pairs of contents that are alike, or of which one is contained in the other. A hint for people; nothing is dropped for it.

Whoever asks says which collections may be seen. What lies in others alone is not there for them: no pair of it, no path, no count.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from strongroom.catalogue.catalogue import Catalogue, reading
from strongroom.core.digests import Digest

#: A pair is kept from here on; nobody can ask for less.
KEPT_JACCARD: Final = 0.5
KEPT_CONTAINMENT: Final = 0.5
#: What is called alike, and contained, where nobody says otherwise.
ALIKE: Final = 0.8
CONTAINED: Final = 0.6

# ?1: names of the collections that may be seen, as a JSON array, or NULL for all
_SEEN: Final = (
    "EXISTS (SELECT 1 FROM likeness_members m WHERE m.content = {0} AND (?1 IS NULL OR m.collection IN (SELECT value FROM json_each(?1))))"
)
_BOTH_SEEN: Final = f"{_SEEN.format('p.a')} AND {_SEEN.format('p.b')}"
_WITHIN: Final = (
    "SELECT {0}, {1}, p.{2} AS share FROM likeness_pairs p "  # noqa: S608 -- constants
    f"WHERE p.jaccard < ?2 AND p.kind = 'text' AND p.{{2}} >= ?3 AND {_BOTH_SEEN}"
)
# ?3 and ?4: the least jaccard, the least containment
_NEAR: Final = "(p.jaccard >= ?3 OR p.a_in_b >= ?4 OR p.b_in_a >= ?4)"
_GROUP: Final = "SELECT CAST(value AS BIGINT) FROM json_each(?2)"
_COLUMNS: Final = "x.sha256, y.sha256, p.kind, p.jaccard, p.a_in_b, p.b_in_a, p.differs, p.turned"
_PAIRS: Final = "likeness_pairs p JOIN likeness_contents x ON x.number = p.a JOIN likeness_contents y ON y.number = p.b"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two contents. Shares are from 0 to 1; of images all three are the share of the hash's bits that are equal."""

    a: Digest
    b: Digest
    kind: str  # "text" or "image"
    jaccard: float  # what both have, of what either has
    a_in_b: float  # how much of a is found in b
    b_in_a: float
    differs: str  # "same body, other header", "added 3 lines", …: what b is, as against a
    turned: str  # what a is, as against b

    @property
    def containment(self) -> float:
        """How much of the one of which more is found in the other."""
        return max(self.a_in_b, self.b_in_a)


@dataclass(frozen=True, slots=True)
class Member:
    """Where a content is found, in a collection that may be seen."""

    collection: str
    path: str  # of one file, in the newest version that has it
    files: int  # with this content, in that version
    first: int  # versions
    last: int


@dataclass(frozen=True, slots=True)
class Cluster:
    """Contents that are alike, each like some other of them. `pairs`: the best first, at most as many as were asked for."""

    contents: tuple[Digest, ...]
    pairs: tuple[Pair, ...]
    count: int  # pairs there are


def pairs_of(catalogue: Catalogue, content: Digest, *, seen: Collection[str] | None) -> list[Pair]:
    """The near-copies of one content, which is `a` of each pair; the likest first. `seen`: collections that may be seen; None: all."""
    with reading(catalogue) as db:
        rows = db.execute(
            f"SELECT {_COLUMNS} FROM {_PAIRS} WHERE (x.sha256 = ?2 OR y.sha256 = ?2) AND {_BOTH_SEEN} AND {_NEAR}",  # noqa: S608 -- constants
            (_names(seen), content.raw, ALIKE, CONTAINED),
        ).fetchall()
    found = [pair if pair.a == content else _turned(pair) for pair in map(_pair, rows)]
    return sorted(found, key=_likest)


def members(catalogue: Catalogue, content: Digest, *, seen: Collection[str] | None) -> list[Member]:
    """Where a content is found; nothing in a collection that may not be seen."""
    with reading(catalogue) as db:
        rows = db.execute(
            "SELECT m.collection, m.path, m.files, m.first, m.last FROM likeness_members m "
            "JOIN likeness_contents c ON c.number = m.content WHERE c.sha256 = ?2 "
            "AND (?1 IS NULL OR m.collection IN (SELECT value FROM json_each(?1))) ORDER BY m.collection",
            (_names(seen), content.raw),
        ).fetchall()
    return [Member(*row) for row in rows]


def clusters(
    catalogue: Catalogue, *, seen: Collection[str] | None, collection: str | Collection[str] | None = None, jaccard: float = ALIKE,
    containment: float = CONTAINED, pairs: int = 100,
) -> Iterator[Cluster]:
    """Clusters of near-copies, the largest first; with `collection`, those it (or one of several) has a content in. At most `pairs`
    pairs are given of each.

    Contents that are alike are in one cluster, as is one that is contained in another with the one that contains most of it. Memory:
    some tens of bytes for each content that has a near-copy.
    """
    names = _names(seen)
    for numbers in _groups(catalogue, names, collection, jaccard, containment):
        yield _cluster(catalogue, numbers, names, jaccard, containment, pairs)


def count_clusters(
    catalogue: Catalogue, *, seen: Collection[str] | None, collection: str | Collection[str] | None = None, jaccard: float = ALIKE,
    containment: float = CONTAINED,
) -> int:
    """How many clusters `clusters` would give."""
    return sum(1 for _ in _groups(catalogue, _names(seen), collection, jaccard, containment))


def _groups(
    catalogue: Catalogue, names: str | None, collection: str | Collection[str] | None, jaccard: float, containment: float
) -> Iterator[list[int]]:
    groups = _Groups()
    for a, b in _edges(catalogue, names, jaccard, containment):
        groups.join(a, b)
    among = [collection] if isinstance(collection, str) else collection
    chosen = None if among is None else {number for name in among for number in _contents(catalogue, name)}
    return (numbers for numbers in groups.largest_first() if chosen is None or not chosen.isdisjoint(numbers))


class _Groups:
    """Union-find over content numbers."""

    def __init__(self) -> None:
        self._parent = array("q")
        self._members: set[int] = set()

    def _root(self, number: int) -> int:
        while self._parent[number] != number:
            self._parent[number] = self._parent[self._parent[number]]
            number = self._parent[number]
        return number

    def join(self, a: int, b: int) -> None:
        top = max(a, b)
        if top >= len(self._parent):
            self._parent.extend(range(len(self._parent), top + 1))
        self._members |= {a, b}
        x, y = self._root(a), self._root(b)
        self._parent[max(x, y)] = min(x, y)

    def largest_first(self) -> Iterator[list[int]]:
        groups: dict[int, list[int]] = {}
        for number in sorted(self._members):
            groups.setdefault(self._root(number), []).append(number)
        yield from sorted(groups.values(), key=lambda group: (-len(group), group[0]))


def _edges(catalogue: Catalogue, names: str | None, jaccard: float, containment: float) -> Iterator[tuple[int, int]]:
    alike = f"SELECT p.a, p.b FROM likeness_pairs p WHERE p.jaccard >= ?2 AND {_BOTH_SEEN}"  # noqa: S608 -- constants
    contained = f"{_WITHIN.format('p.a AS small', 'p.b AS large', 'a_in_b')} UNION ALL {_WITHIN.format('p.b', 'p.a', 'b_in_a')}"
    with reading(catalogue) as db:
        yield from db.execute(alike, (names, jaccard))
        before = None
        for small, large in db.execute(  # of each, the first has the greatest share
            f"SELECT small, large FROM ({contained}) AS part ORDER BY small, share DESC, large",  # noqa: S608 -- as above
            (names, jaccard, containment),
        ):
            if small != before:
                yield small, large
            before = small


def _contents(catalogue: Catalogue, collection: str) -> set[int]:
    with reading(catalogue) as db:
        return {number for (number,) in db.execute(
            "SELECT content FROM likeness_members WHERE collection = ? AND (EXISTS (SELECT 1 FROM likeness_pairs WHERE a = content) "
            "OR EXISTS (SELECT 1 FROM likeness_pairs WHERE b = content))", (collection,))}


def _cluster(catalogue: Catalogue, numbers: list[int], names: str | None, jaccard: float, containment: float, limit: int) -> Cluster:
    group = json.dumps(numbers)
    where = f"p.a IN ({_GROUP}) AND p.b IN ({_GROUP}) AND {_BOTH_SEEN} AND {_NEAR}"
    values = (names, group, jaccard, containment)
    with reading(catalogue) as db:
        digests = db.execute(
            "SELECT sha256 FROM likeness_contents WHERE number IN (SELECT CAST(value AS BIGINT) FROM json_each(?)) ORDER BY number",
            (group,),
        ).fetchall()
        count = db.execute(f"SELECT count(*) FROM likeness_pairs p WHERE {where}", values).fetchone()[0]  # noqa: S608 -- constants
        rows = db.execute(
            f"SELECT {_COLUMNS} FROM {_PAIRS} WHERE {where} "  # noqa: S608 -- constants
            "ORDER BY p.jaccard DESC, "
            "CASE WHEN p.a_in_b > p.b_in_a THEN p.a_in_b ELSE p.b_in_a END DESC, p.a, p.b LIMIT ?5", (*values, limit),
        ).fetchall()
    return Cluster(tuple(Digest.from_bytes(sha) for (sha,) in digests), tuple(map(_pair, rows)), count)


def _names(seen: Collection[str] | None) -> str | None:
    return None if seen is None else json.dumps(sorted(seen))


def _pair(row: tuple[Any, ...]) -> Pair:
    return Pair(Digest.from_bytes(row[0]), Digest.from_bytes(row[1]), *row[2:])


def _turned(pair: Pair) -> Pair:
    return Pair(pair.b, pair.a, pair.kind, pair.jaccard, pair.b_in_a, pair.a_in_b, pair.turned, pair.differs)


def _likest(pair: Pair) -> tuple[float, float, str]:
    return -pair.jaccard, -pair.containment, pair.b.hex


def unreadable(catalogue: Catalogue, collections: Collection[str], most: int) -> list[tuple[str, str]]:
    """(path, why) of contents of these collections that could not be compared, at most so many."""
    with reading(catalogue) as db:
        return db.execute(
            "SELECT m.collection || '/' || m.path, c.note FROM likeness_contents c JOIN likeness_members m ON m.content = c.number "
            "WHERE c.note != '' AND m.collection IN (SELECT value FROM json_each(?)) ORDER BY 1 LIMIT ?",
            (json.dumps(sorted(collections)), most),
        ).fetchall()


#: (a, b, kind, jaccard, a in b, b in a, what b is as against a, what a is as against b), contents by their numbers, the lower first.
PairRow = tuple[int, int, str, float, float, float, str, str]


def record_pairs(catalogue: Catalogue, rows: Iterable[PairRow]) -> None:
    """Remember pairs."""
    with catalogue.transaction() as db:
        db.executemany(
            "INSERT INTO likeness_pairs (a, b, kind, jaccard, a_in_b, b_in_a, differs, turned) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (a, b) DO UPDATE SET kind = excluded.kind, jaccard = excluded.jaccard, a_in_b = excluded.a_in_b, "
            "b_in_a = excluded.b_in_a, differs = excluded.differs, turned = excluded.turned", rows,
        )

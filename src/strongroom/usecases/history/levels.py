"""The batches of one writer, number by number from the newest down, as all stores hold them and all witnesses name them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from strongroom.usecases.history.scratch import Scratch


@dataclass(slots=True)
class Level:
    """All that is known of one number of a writer's chain. Digests are SHA-256 in hexadecimal."""

    seq: int
    found: dict[str, dict[int, str]] = field(default_factory=dict)  # by digest and store: the key
    previous: dict[str, str | None] = field(default_factory=dict)  # by digest: what it names as the batch before it
    unreadable: dict[int, str] = field(default_factory=dict)  # by store: the key
    #: Digests that seals or the catalogue name, and in words which; where seals with trusted signatures or the catalogue do, these alone.
    anchors: dict[str, str] = field(default_factory=dict)

    def of(self, store: int) -> set[str]:
        """The digests that a store holds; several where it has generations."""
        return {digest for digest, places in self.found.items() if store in places}

    @property
    def stores(self) -> set[int]:
        return {store for places in self.found.values() for store in places}


def levels(scratch: Scratch, writer: str) -> Iterator[Level]:
    """Every number that anything lies at or is named, newest first."""
    sql = """
        SELECT seq, store, key, digest, previous, NULL, NULL FROM batches WHERE writer = ?1
        UNION ALL SELECT seq, NULL, NULL, digest, NULL, 'the seal of ' || bag,
            EXISTS (SELECT 1 FROM seals s WHERE s.digest = h.seal AND s.trusted) FROM heads h WHERE writer = ?1
            AND EXISTS (SELECT 1 FROM seals s WHERE s.digest = h.seal AND s.doubtful IS NULL)
        UNION ALL SELECT seq, NULL, NULL, digest, NULL, 'this machine''s catalogue', 1 FROM remembered WHERE writer = ?1 AND own
        ORDER BY seq DESC
    """
    for seq, rows in groupby(scratch.rows(sql, writer), key=itemgetter(0)):
        level = Level(seq)
        claims: dict[str, str] = {}  # of seals that nobody who is trusted signed
        for _, store, key, digest, previous, witness, trusted in rows:
            if witness is not None:
                (level.anchors if trusted else claims).setdefault(digest, witness)
            elif digest is None:
                level.unreadable[store] = key
            else:
                level.found.setdefault(digest, {})[store] = key
                level.previous[digest] = previous
        level.anchors = level.anchors or claims
        for store in level.stores:
            level.unreadable.pop(store, None)  # damaged, and repaired beside
        yield level


def with_the_one_below(all_levels: Iterator[Level]) -> Iterator[tuple[Level, Level]]:
    """Each level and that of the number before it, which may be empty."""
    last: Level | None = None
    for level in all_levels:
        if last is not None:
            yield last, level if level.seq == last.seq - 1 else Level(last.seq - 1)
        last = level
    if last is not None:
        yield last, Level(last.seq - 1)

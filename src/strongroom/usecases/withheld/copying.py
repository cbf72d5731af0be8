"""Bringing tombstones from store to store: before any content, and without names where these do not belong."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.signing import Trust
from strongroom.stores.interface import Stat, Store
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.withheld.stones import Stone, accepted, files_of, put_stone, read_stones


def copy_tombstones(sources: Sequence[Store], target: Store, allowed: frozenset[str] | None, trust: Trust, collector: Collector) -> int:
    """Bring every tombstone that is acted upon and that `target` lacks; how many.

    The list of payload files comes along where every collection it names is in `allowed` (None: all are). Raises StoreError.
    """
    copied = 0
    for source in sources:
        there = _by_content(target)
        for content, parts in _by_content(source).items():
            if parts <= there.get(content, frozenset()):
                continue
            have = {(one.digest, one.files is not None) for one in read_stones(target, collector.add, content)}
            signed = {one.digest: set(one.signatures) for one in read_stones(target, lambda _: None, content)}
            for stone in read_stones(source, collector.add, content):
                with_files = _belongs(stone, allowed)
                lacks = (stone.digest, with_files) not in have and (stone.digest, True) not in have
                unsigned = not set(stone.signatures) <= signed.get(stone.digest, set())
                if (lacks or unsigned) and accepted(stone, source.url, trust, collector.add):
                    put_stone(target, stone, with_files=with_files)
                    copied += 1
    return copied


def _belongs(stone: Stone, allowed: frozenset[str] | None) -> bool:
    files = files_of(stone)
    return files is not None and (allowed is None or files.names <= allowed)


def _by_content(store: Store) -> dict[Digest, frozenset[tuple[str, int]]]:
    """Key and size of everything that belongs to tombstones, by content."""
    found: dict[Digest, frozenset[tuple[str, int]]] = {}
    for content, some in groupby(store.list("withheld/"), _content):
        if content is not None:
            found[content] = frozenset((stat.key.text, stat.size) for stat in some)
    return found


def _content(stat: Stat) -> Digest | None:
    parsed = keys.parse_tombstone_key(stat.key)
    return None if parsed is None else parsed[0]



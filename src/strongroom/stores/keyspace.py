"""What a prefix can match, without asking anybody: hostile prefixes ("../", "a//b", "%2e") never reach a store."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from strongroom.core.errors import InvalidValueError, StoreError
from strongroom.core.keys import StoreKey
from strongroom.stores.interface import Stat

_PARTIAL: Final = re.compile(r"([A-Za-z0-9_~-][A-Za-z0-9._~-]*)?\Z")


def split_prefix(prefix: str) -> tuple[str, str] | None:
    """The folder part of a prefix (with its final "/", or empty) and the start of a name in it; None if no key can match.

    >>> split_prefix("bags/mysite/v")
    ('bags/mysite/', 'v')
    >>> split_prefix("../etc/") is None
    True
    """
    cut = prefix.rfind("/") + 1
    folder, name = prefix[:cut], prefix[cut:]
    if (folder and valid_key(folder[:-1]) is None) or not _PARTIAL.match(name):
        return None
    return folder, name


def valid_key(text: str) -> StoreKey | None:
    """The key this text is, or None for a foreign object."""
    try:
        return StoreKey(text)
    except InvalidValueError:
        return None


def in_byte_order(entries: Iterable[Stat], folder: str) -> Iterator[Stat]:
    """`entries`, all below `folder`, in ascending byte order of their keys, if they come in that order or in tree order.

    Some servers (SeaweedFS) walk a tree: "site/v1" before "site-2/v1", though "-" and "." are less than "/". Only names that
    continue another with one of those two are affected, so what is held in memory is what lies below one name of `folder`
    (and the names that continue it). Raises StoreError for any other order: a merge over it would call keys missing.
    """
    last = ""
    for group in _groups(entries, len(folder)):
        for stat in sorted(group, key=lambda stat: stat.key.text):
            if stat.key.text <= last:
                raise StoreError(f"the store lists keys out of order: {stat.key} after {last}")
            last = stat.key.text
            yield stat


def _groups(entries: Iterable[Stat], skip: int) -> Iterator[list[Stat]]:
    group: list[Stat] = []
    first = ""
    for stat in entries:
        name = stat.key.text[skip:].partition("/")[0]
        if group and name != first and not name.startswith((first + "-", first + ".")):
            yield group
            group = []
        if not group:
            first = name
        group.append(stat)
    yield group

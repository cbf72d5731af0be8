"""Which attempts are under way, and which are dead (docs/format.md, section 6)."""

from __future__ import annotations

from collections.abc import Iterator

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError, KeyExistsError
from strongroom.core.events import utc_now
from strongroom.core.ids import BagId
from strongroom.core.keys import StoreKey
from strongroom.core.seal import Previous, Void
from strongroom.stores.generations import generations
from strongroom.stores.interface import Store
from strongroom.usecases.archive.previous import find_last
from strongroom.usecases.audit.kinds import name_of
from strongroom.usecases.sealed.seals import read_seals
from strongroom.usecases.sweep.scratch import Scratch


def open_attempts(store: Store) -> list[tuple[BagId, str]]:
    """Those that may yet become bags: opened, not closed, and no seal of their number is there. Asked of the store itself."""
    found = set()
    for stat in store.list("bags/"):
        name = name_of(stat.key)
        if name.bag and name.attempt and name.base.endswith("/open"):
            found.add((BagId.parse(name.bag), name.attempt))
    return [(bag, attempt) for bag, attempt in sorted(found) if not is_decided(store, bag, attempt)]


def is_decided(store: Store, bag: BagId, attempt: str) -> bool:
    """Whether an attempt is a bag, or can no longer become one."""
    if generations(store, keys.attempt_closed(bag, attempt)):
        return True
    seals = read_seals(store, bag)
    return bool(seals.found or seals.void)


def dead_objects(scratch: Scratch) -> Iterator[tuple[StoreKey, int]]:
    """What dead attempts left, but their marks `closed`, which tell replicas so: keys and sizes, the marks `open` last.

    An attempt that is sealed somewhere is not dead here: a bag whose number is forked may just be brought.
    """
    sql = (
        "SELECT key, size FROM things t WHERE attempt IS NOT NULL AND base NOT LIKE '%/closed' "
        "AND NOT EXISTS (SELECT 1 FROM seals s WHERE s.bag = t.bag AND s.attempt = t.attempt) "
        "AND (EXISTS (SELECT 1 FROM things c WHERE c.base = 'bags/' || t.bag || '/' || t.attempt || '/closed') OR "
        "(EXISTS (SELECT 1 FROM decided d WHERE d.bag = t.bag) AND NOT EXISTS (SELECT 1 FROM promised p WHERE p.attempt = t.attempt))) "
        "ORDER BY base LIKE '%/open', key"
    )
    return ((StoreKey(key), size) for key, size in scratch.rows(sql))


def void(store: Store, bag: BagId) -> bool:
    """Take a number out of use, so that no attempt at it can become a bag. False if a seal was there first."""
    last = find_last([store], bag.name)
    before = last.seal is not None and last.digest is not None and last.seal.bag.version < bag.version
    previous = Previous(last.seal.bag, last.digest) if before and last.seal and last.digest else None
    data = Void(bag, previous, utc_now()).to_bytes()
    try:
        store.put(keys.seal(bag), data, sha256=Digest.of(data))
    except KeyExistsError:
        return read_seals(store, bag).void
    return True


def parse_attempt(text: str) -> tuple[BagId, str] | None:
    """The bag and the id of the attempt.

    >>> parse_attempt("site/v3/" + "ab" * 16)[0].version
    3
    """
    bag, _, attempt = text.rpartition("/")
    try:
        return BagId.parse(bag), attempt
    except InvalidValueError:
        return None

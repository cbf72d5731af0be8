"""What lies in a store, from its listing, with what earlier audits knew of it."""

from __future__ import annotations

from itertools import islice
from typing import Final

from strongroom.catalogue import Catalogue
from strongroom.catalogue.checks import all_checks, unread_keys
from strongroom.core.digests import Digest
from strongroom.core.keys import StoreKey, stored
from strongroom.core.outcomes import CheckOutcome
from strongroom.runner.interface import Progress
from strongroom.stores.interface import Stat, Store
from strongroom.usecases.audit.kinds import Kind, name_of
from strongroom.usecases.audit.scratch import Scratch

#: Why something is noted as absent, where only a hint says that it should be there.
PLACED: Final = "a placement names it"
_AT_ONCE: Final = 5000
_SKIPPED: Final = {Kind.UNKNOWN: CheckOutcome.UNEXPECTED, Kind.LITTER: CheckOutcome.UNEXPECTED}


def list_store(scratch: Scratch, store: Store, progress: Progress) -> None:
    """Note every key of the store. Raises StoreUnreachableError."""
    stats = store.list()
    while some := list(islice(stats, _AT_ONCE)):
        with scratch.transaction() as db:
            db.executemany(
                "INSERT OR IGNORE INTO things (key, base, unit, kind, size, stated, bag, attempt, skip) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (row for row in map(_row, some) if row is not None),
            )
        progress.advance(len(some), sum(stat.size for stat in some))


def _row(stat: Stat) -> tuple[object, ...] | None:
    name = name_of(stat.key)
    if name.kind is Kind.PROBE:
        return None  # ignored by readers (format.md, 1)
    stated = stat.sha256.hex if stat.sha256 else None
    skip = _SKIPPED.get(name.kind)
    return (stat.key.text, name.base, name.unit, name.kind.value, stat.size, stated, name.bag, name.attempt, skip.value if skip else None)


def recall(scratch: Scratch, catalogue: Catalogue, store: int) -> None:
    """Note what earlier audits found; what they found sound and is no longer listed is `absent`, until somebody looked again."""
    rows = all_checks(catalogue, store)
    while some := list(islice(rows, _AT_ONCE)):
        with scratch.transaction() as db:
            for row in some:
                sound = row.found if row.outcome is CheckOutcome.SOUND else row.expected
                known = db.execute(
                    "UPDATE things SET seq = ?, time = ?, recorded = ?, was = ? WHERE key = ?",
                    (row.seq, row.time, sound, row.outcome.value, row.key.text),
                ).rowcount
                if not known:
                    _gone(scratch, row.key, sound)
    with scratch.transaction() as db:
        db.executemany("UPDATE things SET tried = ? WHERE key = ?", ((seq, key.text) for key, seq in unread_keys(catalogue, store)))
    with catalogue.transaction() as db:  # an object that nobody looked at yet may be known from the run that wrote it
        known_objects = db.execute("SELECT kind, digest, members FROM objects WHERE store = ?", (store,)).fetchall()
    with scratch.transaction() as db:
        for kind, digest, members in known_objects:
            base = stored(kind, Digest.from_bytes(digest)).text
            if not db.execute("UPDATE things SET members = ? WHERE base = ?", (members.hex() if members else None, base)).rowcount:
                note_absent(scratch, base, digest.hex(), "the catalogue knows it from an archive run")


def _gone(scratch: Scratch, key: StoreKey, recorded: str | None) -> None:
    name = name_of(key)
    others = scratch.one("SELECT 1 FROM things WHERE base = ?", name.base) is not None
    if others or name.generation:
        scratch.db.execute("INSERT OR IGNORE INTO vanished (key) VALUES (?)", (key.text,))
    if name.generation and others:
        return  # a sweep takes damaged generations away
    note_absent(scratch, name.base, recorded, "it was there before")


def note_absent(scratch: Scratch, base: str, expected: str | None, why: str) -> None:
    """Something says that `base` should be there, and it was not listed."""
    scratch.db.execute("INSERT OR IGNORE INTO absent (base, expected, why) VALUES (?, ?, ?)", (base, expected, why))

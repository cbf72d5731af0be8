"""What fixity audits found: the last result for each key of each store, and the audits themselves.

A hint like all of the catalogue: the same results lie in `checks/` of the store (docs/format.md, section 9), from where they are learned
again. A *sequence number* is that of the audit in which a key was last read; audits of a store are numbered from 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from strongroom.catalogue.catalogue import Catalogue, reading
from strongroom.core.digests import Digest
from strongroom.core.events import utc_now
from strongroom.core.keys import StoreKey
from strongroom.core.outcomes import CheckOutcome

#: A key that is damaged or missing while another generation of it is sound was repaired already.
_UNSOUND: Final = (
    "SELECT key, seq, outcome, time, size, expected, found FROM checks c WHERE store = ? AND outcome IN ('damaged', 'missing') "
    "AND NOT EXISTS (SELECT 1 FROM checks s WHERE s.store = c.store AND s.base = c.base AND s.outcome = 'sound')"
)
#: That a result says nothing else of what its key should hold than is known.
_AGREES: Final = (" AND coalesce((CASE WHEN excluded.outcome = 'sound' THEN excluded.found ELSE excluded.expected END) = "
                  "(CASE WHEN checks.outcome = 'sound' THEN checks.found ELSE checks.expected END), TRUE)")
#: Keys that could not be read, of which no generation was found sound that can be.
_UNREAD: Final = (
    "FROM unread u LEFT JOIN checks c ON c.store = u.store AND c.key = u.key WHERE u.store = ? AND NOT u.cold "
    "AND NOT EXISTS (SELECT 1 FROM checks s WHERE s.store = u.store AND s.base = u.base AND s.outcome = 'sound' "
    "AND NOT EXISTS (SELECT 1 FROM unread o WHERE o.store = s.store AND o.key = s.key))"
)


@dataclass(frozen=True, slots=True)
class CheckRow:
    """The last result for a key. A content of which no place is left has the key that it would have as an object of its own."""

    key: StoreKey
    seq: int  # of the audit that looked
    outcome: CheckOutcome
    time: str  # UTC, a hint
    size: int | None  # bytes there were
    expected: str | None  # SHA-256 it should have, in hexadecimal, where that is known
    found: str | None  # SHA-256 it had


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An audit of a store. `scope` is "" or the NAME[/vN] it was limited to; `round` the number of the audit that began its round."""

    seq: int
    scope: str
    round: int
    began: str  # UTC
    ended: str | None = None  # None: under way, or cut off
    complete: bool = False  # nothing of its round was left


@dataclass(frozen=True, slots=True)
class Ageing:
    """How long ago what a store holds was read."""

    keys: int  # that have been read at all
    bytes: int
    recent_bytes: int  # read within the days asked about; not a time in the future, nor what could not be read since
    oldest_time: str | None  # UTC, of the key unread longest by sequence number


def record_checks(catalogue: Catalogue, store: int, rows: Iterable[CheckRow], *, published: bool = False) -> None:
    """Remember results of looking at keys of the store (its number here). An older result never replaces a newer one. `published`: they
    were found in the store; others are put into it by the next audit that can write there.

    No key ever changes, so what lies in the store cannot say of a key that is known here that other bytes are right: whoever altered
    them may have written that as well."""
    with catalogue.transaction() as db:
        db.executemany(
            "INSERT INTO checks (store, base, key, seq, outcome, time, size, expected, found, published) "  # noqa: S608 -- constants
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (store, key) DO UPDATE SET seq = excluded.seq, outcome = excluded.outcome, time = excluded.time, "
            "size = excluded.size, expected = excluded.expected, found = excluded.found, published = excluded.published "
            f"WHERE excluded.seq >= checks.seq{_AGREES if published else ''}",
            ((store, r.key.base[0].text, r.key.text, r.seq, r.outcome.value, r.time, r.size, r.expected, r.found, published) for r in rows),
        )


def record_reading(
    catalogue: Catalogue, store: int, seq: int, read: Iterable[StoreKey], unread: Iterable[StoreKey] = (), cold: Iterable[StoreKey] = ()
) -> None:
    """Remember which keys the store just gave, or has no more, and which it could not give to the audit `seq` although it answered (or
    only after thawing): what is known of the bytes of those stays as it was."""
    with catalogue.transaction() as db:
        db.executemany("DELETE FROM unread WHERE store = ? AND key = ?", ((store, key.text) for key in read))
        db.executemany(
            "INSERT INTO unread (store, base, key, seq, cold) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (store, key) DO UPDATE SET seq = excluded.seq, cold = excluded.cold",
            ((store, key.base[0].text, key.text, seq, frozen) for keys, frozen in ((unread, False), (cold, True)) for key in keys),
        )


def unread_keys(catalogue: Catalogue, store: int) -> Iterator[tuple[StoreKey, int]]:
    """Every key that the store could not give when it was last asked for it, with the number of that audit, in order."""
    with reading(catalogue) as db:
        for key, seq in db.execute("SELECT key, seq FROM unread WHERE store = ? ORDER BY key", (store,)):
            yield StoreKey(key), seq


def unreadable(catalogue: Catalogue, store: int) -> Iterator[CheckRow]:
    """Every key of `unread_keys`, but those that are only cold, of which no other generation was found sound; `expected` is what it had
    when it was read."""
    with reading(catalogue) as db:
        known = "CASE c.outcome WHEN 'sound' THEN c.found ELSE c.expected END"
        sql = f"SELECT u.key, coalesce(c.seq, 0), coalesce(c.time, ''), c.size, {known}"
        for key, seq, time, size, expected in db.execute(f"{sql} {_UNREAD} ORDER BY u.key", (store,)):
            yield CheckRow(StoreKey(key), seq, CheckOutcome.UNREADABLE, time, size, expected, None)


def count_unreadable(catalogue: Catalogue, store: int) -> int:
    """How many keys `unreadable` gives."""
    with reading(catalogue) as db:
        return int(db.execute(f"SELECT count(*) {_UNREAD}", (store,)).fetchone()[0])


def count_cold(catalogue: Catalogue, store: int) -> int:
    """How many keys lay in a cold storage class when an audit last asked for them."""
    with reading(catalogue) as db:
        return int(db.execute("SELECT count(*) FROM unread WHERE store = ? AND cold", (store,)).fetchone()[0])


def record_written(catalogue: Catalogue, store: int, key: StoreKey, data: bytes) -> None:
    """Know what was just written at `key` before it is audited for the first time: nothing else may speak of it yet."""
    row = CheckRow(key, 0, CheckOutcome.NEVER_CHECKED, utc_now(), len(data), Digest.of(data).hex, None)
    record_checks(catalogue, store, [row])


def forget_checks(catalogue: Catalogue, store: int, keys: Iterable[StoreKey]) -> None:
    """Forget keys that are gone and that nothing needs: swept, or contents that were found again elsewhere."""
    with catalogue.transaction() as db:
        db.executemany("DELETE FROM checks WHERE store = ? AND key = ?", ((store, key.text) for key in keys))


def all_checks(catalogue: Catalogue, store: int) -> Iterator[CheckRow]:
    """Every result of the store, by key. One of number 0 is of a key that was written and not read."""
    with reading(catalogue) as db:
        sql = "SELECT key, seq, outcome, time, size, expected, found FROM checks WHERE store = ? ORDER BY key"
        for row in db.execute(sql, (store,)):
            yield _row(row)


def known_below(catalogue: Catalogue, store: int, prefix: str) -> Iterator[CheckRow]:
    """The results for every key of the store below `prefix` ("log/"), by key."""
    with reading(catalogue) as db:
        sql = "SELECT key, seq, outcome, time, size, expected, found FROM checks WHERE store = ? AND key >= ? AND key < ? ORDER BY key"
        for row in db.execute(sql, (store, prefix, prefix + "~")):
            yield _row(row)


def last_known(catalogue: Catalogue, store: int, prefix: str) -> StoreKey | None:
    """The highest key of the store below `prefix` that is known, without its generation; None if none is."""
    with reading(catalogue) as db:
        sql = "SELECT max(base) FROM checks WHERE store = ? AND base >= ? AND base < ?"
        base = db.execute(sql, (store, prefix, prefix + "~")).fetchone()[0]
        return None if base is None else StoreKey(base)


def known_digests(catalogue: Catalogue, store: int, base: StoreKey) -> frozenset[Digest]:
    """The SHA-256 that the generations of a key had when they were written or last sound; none where nobody knows."""
    with reading(catalogue) as db:
        sql = "SELECT CASE outcome WHEN 'sound' THEN found ELSE expected END FROM checks WHERE store = ? AND base = ?"
        return frozenset(Digest(digest) for (digest,) in db.execute(sql, (store, base.text)) if digest is not None)


def unsound(catalogue: Catalogue, store: int) -> Iterator[CheckRow]:
    """Every key of the store that is damaged or missing, in order, and of which no generation was found sound."""
    with reading(catalogue) as db:
        for row in db.execute(_UNSOUND + " ORDER BY key", (store,)):
            yield _row(row)


def found_damaged(catalogue: Catalogue) -> Iterator[tuple[int, StoreKey, str]]:
    """Store, key and the SHA-256 that was found there, of everything that is damaged in any store."""
    with reading(catalogue) as db:
        for store, key, found in db.execute("SELECT store, key, found FROM checks WHERE outcome = 'damaged' AND found IS NOT NULL"):
            yield store, StoreKey(key), found


def count_unsound(catalogue: Catalogue, store: int) -> int:
    """How many keys `unsound` gives."""
    with reading(catalogue) as db:
        return sum(1 for _ in db.execute(_UNSOUND, (store,)))


def check_of(catalogue: Catalogue, store: int, key: StoreKey) -> CheckRow | None:
    with reading(catalogue) as db:
        sql = "SELECT key, seq, outcome, time, size, expected, found FROM checks WHERE store = ? AND key = ?"
        row = db.execute(sql, (store, key.text)).fetchone()
        return _row(row) if row else None


def last_known_checks(catalogue: Catalogue, store: int, base: StoreKey) -> list[CheckRow]:
    """The last result for each generation of a key that an audit has read, oldest generation first."""
    with reading(catalogue) as db:
        sql = ("SELECT key, seq, outcome, time, size, expected, found FROM checks WHERE store = ? AND base = ? "
               "AND outcome != 'never checked' ORDER BY length(key), key")
        return [_row(row) for row in db.execute(sql, (store, base.text))]


def ageing(catalogue: Catalogue, store: int, days: float) -> Ageing:
    """How long ago the keys of the store that were not missing were read; `recent_bytes` within `days`."""
    now = datetime.now(UTC)
    since = (now - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with reading(catalogue) as db:
        keys, size, recent = db.execute(
            "SELECT count(*), coalesce(sum(size), 0), coalesce(sum(CASE WHEN time >= ?1 AND time <= ?2 "
            "AND key NOT IN (SELECT key FROM unread WHERE store = ?3 AND NOT cold) THEN size END), 0) "
            "FROM checks WHERE store = ?3 AND outcome IN ('sound', 'damaged')",
            (since, utc_now(), store),
        ).fetchone()
        sql = "SELECT time FROM checks WHERE store = ? AND outcome IN ('sound', 'damaged') ORDER BY seq, key LIMIT 1"
        oldest = db.execute(sql, (store,)).fetchone()
    return Ageing(keys, size, recent, oldest and oldest[0])


def last_seq(catalogue: Catalogue, store: int) -> int:
    """The highest number of an audit of the store that is known here; 0 if there was none."""
    with reading(catalogue) as db:
        sql = "SELECT max(seq) FROM (SELECT seq FROM audits WHERE store = ?1 UNION ALL SELECT seq FROM checks WHERE store = ?1) AS known"
        return int(db.execute(sql, (store,)).fetchone()[0] or 0)


def last_audit(catalogue: Catalogue, store: int, scope: str = "") -> AuditRow | None:
    """The last full audit of the store by this installation, within this scope."""
    with reading(catalogue) as db:
        sql = "SELECT seq, scope, round, began, ended, complete FROM audits WHERE store = ? AND scope = ? ORDER BY seq DESC LIMIT 1"
        row = db.execute(sql, (store, scope)).fetchone()
        return AuditRow(row[0], row[1], row[2], row[3], row[4], bool(row[5])) if row else None


def audits_of(catalogue: Catalogue, store: int, scopes: Iterable[str], limit: int) -> list[AuditRow]:
    """The last full audits of the store by this installation that were limited to none but these scopes ("": to nothing), newest first."""
    names = list(scopes)
    marks = ",".join("?" * len(names))
    with reading(catalogue) as db:
        rows = db.execute(
            f"SELECT seq, scope, round, began, ended, complete FROM audits WHERE store = ? AND scope IN ({marks}) "  # noqa: S608 -- question marks
            "ORDER BY seq DESC LIMIT ?", (store, *names, limit)).fetchall()
    return [AuditRow(row[0], row[1], row[2], row[3], row[4], bool(row[5])) for row in rows]


def unpublished(catalogue: Catalogue, store: int) -> Iterator[CheckRow]:
    """Every result that does not lie in the store yet, by key: of the audit that ends, of those that were cut off or could not write, of
    one that goes on beside it, and of repairs."""
    with reading(catalogue) as db:
        sql = ("SELECT key, seq, outcome, time, size, expected, found FROM checks WHERE store = ? AND NOT published AND seq > 0 "
               "ORDER BY key")
        for row in db.execute(sql, (store,)):
            yield _row(row)


def mark_published(catalogue: Catalogue, store: int, rows: Iterable[CheckRow]) -> None:
    """These lie in the store now; one that was looked at again meanwhile does not."""
    with catalogue.transaction() as db:
        db.executemany("UPDATE checks SET published = TRUE WHERE store = ? AND key = ? AND seq = ? AND time = ?",
                       ((store, row.key.text, row.seq, row.time) for row in rows))


def mark_objects(catalogue: Catalogue, store: int, objects: Iterable[tuple[str, bytes, bool]]) -> None:
    """Whether packs and large contents, (kind, digest, sound), may be relied upon by the next archive run."""
    with catalogue.transaction() as db:
        db.executemany(
            "UPDATE objects SET damaged = NOT ?4, verified = ?4 WHERE store = ?1 AND kind = ?2 AND digest = ?3",
            ((store, kind, digest, sound) for kind, digest, sound in objects),
        )


def forget_places(catalogue: Catalogue, store: int, contents: Iterable[bytes]) -> None:
    """What was believed of contents, by their SHA-256, that lie nowhere in the store: that an object which is not damaged holds them."""
    with catalogue.transaction() as db:
        db.executemany("DELETE FROM places WHERE store = ?1 AND sha256 = ?2 AND object IN "
                       "(SELECT id FROM objects WHERE store = ?1 AND NOT damaged)", ((store, sha256) for sha256 in contents))


def judge_packs(catalogue: Catalogue, store: int, packs: Iterable[tuple[str, bytes, Digest, Iterable[tuple[bytes, int]]]]) -> None:
    """What was seen in packs, (kind, digest, digest of the index, (sha256, length) of the contents), each as its name says. It takes the
    place of what hints said."""
    with catalogue.transaction() as db:
        for kind, digest, members, contents in packs:
            row = db.execute("SELECT id FROM objects WHERE store = ? AND kind = ? AND digest = ?", (store, kind, digest)).fetchone()
            if row is not None:
                catalogue.correct_places(row[0], contents, members)


def members_known(catalogue: Catalogue, store: int, digest: bytes) -> Iterator[bytes]:
    """The contents the catalogue believes to lie in a pack, by the pack's digest."""
    with reading(catalogue) as db:
        sql = "SELECT sha256 FROM places WHERE object IN (SELECT id FROM objects WHERE store = ? AND kind != 'content' AND digest = ?)"
        for (sha256,) in db.execute(sql, (store, digest)):
            yield sha256


def begin_audit(catalogue: Catalogue, store: int, numbered: Callable[[int], AuditRow]) -> AuditRow:
    """The audit that `numbered` makes of the next number: two that begin at the same moment have two."""
    with catalogue.transaction() as db:
        audit = numbered(last_seq(catalogue, store) + 1)
        sql = "INSERT INTO audits (store, seq, scope, round, began) VALUES (?, ?, ?, ?, ?)"
        db.execute(sql, (store, audit.seq, audit.scope, audit.round, audit.began))
    return audit


def end_audit(catalogue: Catalogue, store: int, seq: int, *, ended: str, complete: bool) -> None:
    """The audit ended in order, at the time that its results in the store give; `complete`: it left nothing of its round."""
    with catalogue.transaction() as db:
        db.execute("UPDATE audits SET ended = ?, complete = ? WHERE store = ? AND seq = ?", (ended, complete, store, seq))


def _row(row: tuple[str, int, str, str, int | None, str | None, str | None]) -> CheckRow:
    return CheckRow(StoreKey(row[0]), row[1], CheckOutcome(row[2]), *row[3:])

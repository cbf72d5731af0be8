"""What should lie in a store, by its own seals, manifests, placements and logs, and by what is known from before."""

from __future__ import annotations

from typing import Final

from strongroom.catalogue import Catalogue
from strongroom.core import keys
from strongroom.core.findings import Finding
from strongroom.core.ids import BagId
from strongroom.core.outcomes import CheckOutcome
from strongroom.runner.interface import Runner
from strongroom.signing import Trust
from strongroom.stores.interface import Store
from strongroom.usecases.audit.forks import expect_forks
from strongroom.usecases.audit.kinds import Kind
from strongroom.usecases.audit.listing import PLACED, note_absent
from strongroom.usecases.audit.logs import expect_logs
from strongroom.usecases.audit.scratch import Scratch
from strongroom.usecases.audit.signatures import expect_keys, expect_signatures
from strongroom.usecases.audit.survey import SealFacts, Survey, SurveyJob, survey

_BATCHES: Final = 24
_LEAST: Final = 50  # keys a batch


def expect(
    scratch: Scratch, store: Store, store_id: str, number: int, catalogue: Catalogue, runner: Runner, trust: Trust
) -> list[tuple[str, Finding]]:
    """Ask the store what should be in it, and note for each key what it should be and for what is not there that it is absent.

    What is to be said at once, of each label, NAME/vN: that it holds several bags, and what its signature is worth.

    Raises StoreUnreachableError.
    """
    _survey(scratch, store, store_id, runner, trust)
    with scratch.transaction():
        forks = expect_forks(scratch, store, store_id, number, catalogue, trust)
        _expect_seals(scratch, catalogue, store_id)
        signatures = expect_signatures(scratch, store.url, trust)
        expect_keys(scratch, store, trust)
        scratch.db.execute("DELETE FROM wanted WHERE seal IN (SELECT key FROM seals WHERE NOT credible)")
        expect_logs(scratch, store_id, catalogue.writer(number))
        _name_attempts(scratch, catalogue, store_id)
        _note_absent(scratch)
    return forks + signatures


def _survey(scratch: Scratch, store: Store, store_id: str, runner: Runner, trust: Trust) -> None:
    # A log batch that was read before is known; an unread one tells of the one before it.
    sql = "SELECT key FROM things WHERE kind IN (?, ?) OR (kind = ? AND recorded IS NULL) ORDER BY key"
    found = [key for (key,) in scratch.rows(sql, Kind.SEAL, Kind.PLACEMENT, Kind.LOG)]
    if not found:
        return
    size = max(_LEAST, -(-len(found) // _BATCHES))
    jobs = [SurveyJob(store, store_id, scratch.path, tuple(found[at : at + size]), trust) for at in range(0, len(found), size)]
    for result in runner.map("read what the store says of itself", survey, jobs):
        _take(scratch, result)


def _take(scratch: Scratch, result: Survey) -> None:
    with scratch.transaction() as db:
        db.executemany(
            "INSERT OR REPLACE INTO seals (key, bag, digest, attempt, previous_bag, previous, signer, standing, signed_key, said, "
            "said_code) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_row, result.seals),
        )
        db.executemany("INSERT OR IGNORE INTO wanted (base, digest, seal) VALUES (?, ?, ?)", result.wanted)
        db.executemany("INSERT OR IGNORE INTO placed (bag, base) VALUES (?, ?)", result.placed)
        db.executemany("INSERT OR REPLACE INTO logs (base, key, found, previous, store, problem) VALUES (?, ?, ?, ?, ?, ?)", result.logs)


def _row(one: SealFacts) -> tuple[str | None, ...]:
    base = (one.key, one.bag, one.digest, one.attempt, one.previous_bag, one.previous, one.signer)
    if one.signature is None or one.attempt is None:
        return (*base, None, None, None, None)
    said = one.signature.finding()
    words = (said.message, said.code.label) if said else (None, None)
    return (*base, one.signature.judgement.standing.value, keys.signature(BagId.parse(one.bag), one.attempt).text, *words)


def _expect_seals(scratch: Scratch, catalogue: Catalogue, store_id: str) -> None:
    """A seal must be the one that is known under its label, here or by the seal that follows it. One that contradicts what is known is
    believed in nothing."""
    db = scratch.db
    for row in catalogue.bags():
        if store_id in row.stores:
            _want(scratch, keys.seal(row.bag).text, row.seal.hex)
    db.execute(
        "UPDATE seals SET credible = 0 WHERE digest != coalesce((SELECT recorded FROM things t WHERE t.key = seals.key), digest) OR "
        "(EXISTS (SELECT 1 FROM wanted w WHERE w.base = 'bags/' || bag || '/seal.json') AND "
        "NOT EXISTS (SELECT 1 FROM wanted w WHERE w.base = 'bags/' || bag || '/seal.json' AND w.digest = 'sha256:' || seals.digest))"
    )
    claims = db.execute("SELECT DISTINCT previous_bag, previous FROM seals WHERE credible AND previous_bag IS NOT NULL").fetchall()
    for bag, digest in claims:
        base = keys.seal(BagId.parse(bag)).text
        sql = "SELECT 1 FROM wanted WHERE base = ?1 UNION SELECT 1 FROM things WHERE base = ?1 AND recorded IS NOT NULL"
        # A mark alone is that of a bag that waits for its contents; what stands just before the seal shows that there was one.
        was_here = "SELECT 1 FROM things WHERE bag = ? AND kind IN (?, ?)"
        if db.execute(sql, (base,)).fetchone() is None and db.execute(was_here, (bag, Kind.SEAL, Kind.PLACEMENT)).fetchone():
            _want(scratch, base, digest)
            db.execute("UPDATE seals SET credible = 0 WHERE bag = ? AND digest != ?", (bag, digest))


def _want(scratch: Scratch, base: str, digest: str) -> None:
    scratch.db.execute("INSERT OR IGNORE INTO wanted (base, digest, seal) VALUES (?, ?, '')", (base, f"sha256:{digest}"))


def _name_attempts(scratch: Scratch, catalogue: Catalogue, store_id: str) -> None:
    """Tell the attempts that are bags from those that are not (yet), whose things are pending, and from what is of no attempt."""
    db = scratch.db
    # What a damaged seal says its attempt was is believed only where something of that attempt lies.
    db.execute(
        "INSERT OR IGNORE INTO attempts SELECT bag, attempt FROM seals WHERE attempt IS NOT NULL AND (credible OR EXISTS "
        "(SELECT 1 FROM things t WHERE t.bag = seals.bag AND t.attempt = seals.attempt))"
    )
    for row in catalogue.bags():
        if store_id in row.stores:
            db.execute("INSERT OR IGNORE INTO attempts VALUES (?, ?)", (str(row.bag), row.attempt))
    db.execute(
        "UPDATE things SET skip = ? WHERE attempt IS NOT NULL AND NOT EXISTS "
        "(SELECT 1 FROM attempts a WHERE a.bag = things.bag AND a.attempt = things.attempt)",
        (CheckOutcome.PENDING,),
    )
    # A seal that cannot be read leaves its attempt nameless; what was once sound there must still be so.
    db.execute("UPDATE things SET skip = NULL WHERE skip = ? AND was IS NOT NULL AND recorded IS NOT NULL", (CheckOutcome.PENDING,))
    # No attempt was ever opened there. While a seal of this label cannot be read, that is no reason to call its files strangers.
    db.execute(
        "UPDATE things SET skip = ? WHERE skip = ? AND NOT EXISTS "
        "(SELECT 1 FROM things o WHERE o.base IN ('bags/' || things.bag || '/' || things.attempt || '/open', "
        "'bags/' || things.bag || '/' || things.attempt || '/closed')) AND NOT EXISTS (SELECT 1 FROM things s "
        "WHERE s.base = 'bags/' || things.bag || '/seal.json' AND s.key NOT IN (SELECT key FROM seals WHERE credible))",
        (CheckOutcome.UNEXPECTED, CheckOutcome.PENDING),
    )
    # In a bag whose tag manifests were read, a tag file they do not list is a stranger.
    db.execute(
        "UPDATE things SET skip = ? WHERE kind = ? AND skip IS NULL AND recorded IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM wanted w WHERE w.base = things.base) "
        "AND EXISTS (SELECT 1 FROM wanted w JOIN seals s ON s.key = w.seal WHERE s.credible AND s.bag = things.bag "
        "AND s.attempt = things.attempt AND w.base LIKE '%/bag/bagit.txt')",
        (CheckOutcome.UNEXPECTED, Kind.TAG),
    )
    db.execute(
        "UPDATE things SET skip = ? WHERE kind = ? AND skip IS NULL AND recorded IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM wanted w WHERE w.base = things.base)",
        (CheckOutcome.NEVER_CHECKED, Kind.TAG),
    )


def _note_absent(scratch: Scratch) -> None:
    db = scratch.db
    absent = "NOT EXISTS (SELECT 1 FROM things t WHERE t.base = {}.base)"
    # A replica may lack the end of a log, or all of it (format.md, 7): logs.py says what of a log is absent.
    sql = f"SELECT base, digest FROM wanted WHERE base NOT LIKE 'log/%' AND {absent.format('wanted')}"  # noqa: S608
    wanted = db.execute(sql).fetchall()
    for base, digest in wanted:
        algorithm, _, text = digest.partition(":")
        note_absent(scratch, base, text if algorithm == "sha256" else None, "a seal, a tag manifest or the next of its kind names it")
    placed = db.execute(f"SELECT DISTINCT base FROM placed WHERE {absent.format('placed')}").fetchall()  # noqa: S608
    for (base,) in placed:
        note_absent(scratch, base, base.rpartition("/")[2].partition(".")[0], PLACED)
    if scratch.one("SELECT 1 FROM things WHERE base = 'README.txt'") is None:
        note_absent(scratch, "README.txt", None, "every store has one")
    for base in ("'bags/' || a.bag || '/placement.jsonl'", "'bags/' || a.bag || '/' || a.attempt || '/open'"):
        db.execute(
            f"INSERT OR IGNORE INTO absent SELECT {base}, NULL, 'its bag is there' FROM attempts a "  # noqa: S608
            f"WHERE NOT EXISTS (SELECT 1 FROM things t WHERE t.base = {base})"
        )
    # The index of a pack that bags lean on.
    db.execute(
        "INSERT OR IGNORE INTO absent SELECT DISTINCT replace(t.unit, '.tar', '.jsonl'), NULL, 'its pack is there, and bags lean on it' "
        "FROM things t JOIN placed p ON p.base = t.base "
        "WHERE t.kind = ? AND NOT EXISTS (SELECT 1 FROM things i WHERE i.base = replace(t.unit, '.tar', '.jsonl'))",
        (Kind.PACK,),
    )

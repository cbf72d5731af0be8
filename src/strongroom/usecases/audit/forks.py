"""Several seals under one label of one store (docs/format.md, section 5)."""

from __future__ import annotations

from strongroom.catalogue import Catalogue
from strongroom.core import keys
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId
from strongroom.signing import Trust
from strongroom.stores.interface import Store
from strongroom.usecases.audit.scratch import Scratch
from strongroom.usecases.sealed.seals import Seals, read_seals
from strongroom.usecases.signatures.settling import Arbiter

#: Seals that what their key held when it was read before does not contradict.
_SEALS = (
    "SELECT bag, attempt, digest FROM seals s WHERE digest = coalesce((SELECT recorded FROM things t WHERE t.key = s.key), digest)"
)


def expect_forks(
    scratch: Scratch, store: Store, store_id: str, number: int, catalogue: Catalogue, trust: Trust
) -> list[tuple[str, Finding]]:
    """The labels, NAME/vN, under which different seals lie, and what is to be said of each.

    All of these seals are bags: none of them is damaged for not being the one that is known. The catalogue is told of them. Where a
    trusted signature chooses one, that one is the bag, and nothing that the others say is believed. Raises StoreUnreachableError.
    """
    arbiter = Arbiter(lambda _: trust)
    several = f"SELECT bag FROM ({_SEALS}) GROUP BY bag HAVING count(DISTINCT digest) > 1 ORDER BY bag"  # noqa: S608
    found = []
    for (label,) in scratch.db.execute(several).fetchall():
        bag = BagId.parse(label)
        digests = _credible(scratch, bag, store_id, catalogue)
        seals = read_seals(store, bag)
        settled = arbiter.settle(store, seals)
        if settled.settled:
            _pass_over(scratch, settled, number, catalogue)
            found += [(label, one) for one in settled.findings if one.code is Code.SEAL_PASSED_OVER]
            continue
        agreeing = [one for one in seals.found if one.digest.hex in digests]
        voids = {text for text, attempt in digests.items() if attempt is None}
        said = [one for one in seals.findings if one.code is Code.FORKED]
        if not said or len(agreeing) + len(voids) < 2:
            continue
        base = keys.seal(bag).text
        wanted = sorted({*voids, *(one.digest.hex for one in agreeing)})
        scratch.db.executemany(
            "INSERT OR IGNORE INTO wanted (base, digest, seal) VALUES (?, ?, '')", ((base, f"sha256:{text}") for text in wanted))
        for one in agreeing:
            catalogue.record_bag(one.seal, one.digest, number)
        found += [(label, one) for one in said]
    return found


def _pass_over(scratch: Scratch, settled: Seals, number: int, catalogue: Catalogue) -> None:
    """The others are sound for what they are, and say nothing of the store."""
    db, label, (chosen,) = scratch.db, str(settled.bag), settled.found
    base = keys.seal(settled.bag).text
    there = db.execute("SELECT key, digest FROM seals WHERE bag = ?", (label,)).fetchall()
    db.executemany("INSERT OR IGNORE INTO wanted (base, digest, seal) VALUES (?, ?, '')", ((base, f"sha256:{text}") for _, text in there))
    for key, digest in there:
        if digest != chosen.digest.hex:
            db.execute("DELETE FROM wanted WHERE seal = ?", (key,))
            db.execute("DELETE FROM seals WHERE key = ?", (key,))
    for other in settled.passed_over:
        catalogue.forget_bag(other, number)
    catalogue.record_bag(chosen.seal, chosen.digest, number)


def _credible(scratch: Scratch, bag: BagId, store_id: str, catalogue: Catalogue) -> dict[str, str | None]:
    """The attempt that each seal under the label is for (None: it voids the number), by the seal's digest.

    An attempt has one seal: where it is known, another for it is no bag, but the known one with a few bytes changed.
    """
    known: dict[str | None, set[str]] = {}
    for row in catalogue.bags(bag.name):
        if row.bag == bag and store_id in row.stores:
            known.setdefault(row.attempt, set()).add(row.seal.hex)
    rows = scratch.db.execute(f"SELECT attempt, digest FROM ({_SEALS}) WHERE bag = ?", (str(bag),)).fetchall()  # noqa: S608
    return {digest: attempt for attempt, digest in rows if digest in known.get(attempt, {digest})}

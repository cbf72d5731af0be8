"""Several seals under one label of one store (docs/format.md, section 5)."""

from __future__ import annotations

from strongroom.catalogue import Catalogue
from strongroom.core import keys
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId
from strongroom.stores.interface import Store
from strongroom.usecases.audit.scratch import Scratch
from strongroom.usecases.sealed.seals import read_seals

#: Seals that what their key held when it was read before does not contradict.
_SEALS = (
    "SELECT bag, attempt, digest FROM seals s WHERE digest = coalesce((SELECT recorded FROM things t WHERE t.key = s.key), digest)"
)


def expect_forks(scratch: Scratch, store: Store, store_id: str, number: int, catalogue: Catalogue) -> list[tuple[str, Finding]]:
    """The labels, NAME/vN, under which different seals lie, and what is to be said of each.

    All of these seals are bags: none of them is damaged for not being the one that is known. The catalogue is told of them. Raises
    StoreUnreachableError.
    """
    several = f"SELECT bag FROM ({_SEALS}) GROUP BY bag HAVING count(DISTINCT digest) > 1 ORDER BY bag"  # noqa: S608
    found = []
    for (label,) in scratch.db.execute(several).fetchall():
        bag = BagId.parse(label)
        digests = _credible(scratch, bag, store_id, catalogue)
        seals = read_seals(store, bag)
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

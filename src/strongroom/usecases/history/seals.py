"""Judging seals over all stores: those that nothing confirms while another is, forks, and bags that are nowhere."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from strongroom.core.digests import Digest
from strongroom.core.findings import Code, Finding
from strongroom.usecases.history.scratch import Scratch
from strongroom.usecases.signatures.settling import passed_over

_UNNAMED: Final = "named by nothing"
_PASSED_OVER: Final = "another under its label is signed by a trusted key"

#: Digests of seals that an event, a later seal or the catalogue names, by label.
_NAMED: Final = (
    "SELECT bag, seal FROM takings UNION SELECT previous_bag, previous FROM seals WHERE previous IS NOT NULL "
    "UNION SELECT bag, seal FROM remembered_bags"
)


def doubt_seals(scratch: Scratch) -> None:
    """Mark seals that nobody names while another one under their label is named: what they say of the log is not believed.

    A seal that was changed is one of these; it is never named, for its digest is new. One with a trusted signature was not changed,
    whatever an event or another seal says that nobody signed.
    """
    with scratch.transaction():
        scratch.db.execute(
            f"UPDATE seals SET doubtful = '{_UNNAMED}' WHERE doubtful IS NULL AND digest IS NOT NULL AND attempt IS NOT NULL "  # noqa: S608 -- our words
            "AND digest NOT IN (SELECT digest FROM seals WHERE trusted) "
            f"AND NOT EXISTS (SELECT 1 FROM ({_NAMED}) n WHERE n.bag = seals.bag AND n.seal = seals.digest) "
            f"AND EXISTS (SELECT 1 FROM ({_NAMED}) n WHERE n.bag = seals.bag)")


def pass_over(scratch: Scratch, names: dict[int, str], say: Callable[[Finding], None]) -> None:
    """Labels with several seals, void ones included, of which one alone has a trusted signature: the others are believed in nothing."""
    sql = ("SELECT bag, min(digest) FROM seals s WHERE trusted GROUP BY bag HAVING count(DISTINCT digest) = 1 "
           "AND EXISTS (SELECT 1 FROM seals o WHERE o.bag = s.bag AND o.digest != s.digest) ORDER BY bag")
    for bag, chosen in scratch.db.execute(sql).fetchall():
        rows = scratch.db.execute("SELECT digest, attempt, store FROM seals WHERE bag = ? AND digest != ? ORDER BY digest, store",
                                  (bag, chosen)).fetchall()
        where = ", ".join(sorted({names[store] for _, _, store in rows}))
        others = {Digest(digest) for digest, attempt, _ in rows if attempt is not None}
        void = any(attempt is None for _, attempt, _ in rows)
        say(passed_over(f"{where}: {bag}", Digest(chosen), others, void=void))
        scratch.db.execute("UPDATE seals SET doubtful = ? WHERE bag = ? AND digest != ?", (_PASSED_OVER, bag, chosen))


def say_forks(scratch: Scratch, names: dict[int, str], say: Callable[[Finding], None]) -> None:
    """Labels under which several bags were sealed."""
    credible = f"attempt IS NOT NULL AND (doubtful IS NULL OR doubtful = '{_UNNAMED}')"
    sql = f"SELECT bag FROM seals WHERE {credible} GROUP BY bag HAVING count(DISTINCT digest) > 1 ORDER BY bag"  # noqa: S608 -- our words
    for (bag,) in scratch.rows(sql):
        rows = scratch.db.execute(f"SELECT DISTINCT digest, store FROM seals WHERE bag = ? AND {credible} ORDER BY 1, 2", (bag,))  # noqa: S608
        where = ", ".join(f"{digest} in {names[store]}" for digest, store in rows)
        say(Finding(Code.FORKED, bag, f"different bags were sealed under this label: {where}; all are kept, and a person decides"))


def say_elsewhere(scratch: Scratch, asked: Collection[str], say: Callable[[Finding], None]) -> None:
    """Bags that a seal names as the one before it, and that no store at hand has or is known to have had. `asked`: the ids of those that
    were read to their end: what is said of these was looked into."""
    sql = """
        SELECT DISTINCT s.previous_bag, s.previous, s.bag FROM seals s WHERE s.previous IS NOT NULL AND s.doubtful IS NULL
        AND NOT EXISTS (SELECT 1 FROM seals o WHERE o.bag = s.previous_bag AND o.digest = s.previous) ORDER BY 1
    """
    for bag, digest, after in scratch.rows(sql):
        holders = {holder for (holder,) in scratch.rows("SELECT holder FROM takings WHERE bag = ? AND seal = ?", bag, digest)}
        if holders & set(asked):
            continue  # that it is gone there is said
        say(Finding(Code.BAG_ELSEWHERE, bag, f"{after} names it ({digest}) as the bag before it, and no store that was asked has it: "
                    "it lies in a store that was not asked, or is lost"
                    f"{f'. A log says that it went to {named}' if (named := ', '.join(sorted(holders))) else ''}"))

"""Judging seals over all stores: those that nothing confirms while another is, forks, and bags that are nowhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from strongroom.core.findings import Code, Finding
from strongroom.usecases.history.scratch import Scratch

#: Digests of seals that an event, a later seal or the catalogue names, by label.
_NAMED: Final = (
    "SELECT bag, seal FROM takings UNION SELECT previous_bag, previous FROM seals WHERE previous IS NOT NULL "
    "UNION SELECT bag, seal FROM remembered_bags"
)


def doubt_seals(scratch: Scratch) -> None:
    """Mark seals that nobody names while another one under their label is named: what they say of the log is not believed.

    A seal that was changed is one of these; it is never named, for its digest is new.
    """
    with scratch.transaction():
        scratch.db.execute(
            f"UPDATE seals SET doubtful = 'named by nothing' WHERE doubtful IS NULL AND digest IS NOT NULL AND attempt IS NOT NULL "  # noqa: S608 -- our words
            f"AND NOT EXISTS (SELECT 1 FROM ({_NAMED}) n WHERE n.bag = seals.bag AND n.seal = seals.digest) "
            f"AND EXISTS (SELECT 1 FROM ({_NAMED}) n WHERE n.bag = seals.bag)")


def say_forks(scratch: Scratch, names: dict[int, str], say: Callable[[Finding], None]) -> None:
    """Labels under which several bags were sealed."""
    sql = ("SELECT bag FROM seals WHERE attempt IS NOT NULL AND doubtful IS NULL GROUP BY bag "
           "HAVING count(DISTINCT digest) > 1 AND count(DISTINCT attempt) > 1 ORDER BY bag")
    for (bag,) in scratch.rows(sql):
        rows = scratch.db.execute(
            "SELECT DISTINCT digest, store FROM seals WHERE bag = ? AND attempt IS NOT NULL AND doubtful IS NULL ORDER BY 1, 2", (bag,))
        where = ", ".join(f"{digest} in {names[store]}" for digest, store in rows)
        say(Finding(Code.FORKED, bag, f"different bags were sealed under this label: {where}; all are kept, and a person decides"))


def say_elsewhere(scratch: Scratch, say: Callable[[Finding], None]) -> None:
    """Bags that a seal names as the one before it, and that no store at hand has or is known to have had."""
    sql = """
        SELECT DISTINCT s.previous_bag, s.previous, s.bag FROM seals s WHERE s.previous IS NOT NULL AND s.doubtful IS NULL
        AND NOT EXISTS (SELECT 1 FROM seals o WHERE o.bag = s.previous_bag AND o.digest = s.previous) ORDER BY 1
    """
    for bag, digest, after in scratch.rows(sql):
        if scratch.one("SELECT 1 FROM takings WHERE bag = ? AND seal = ?", (bag, digest)):
            continue  # the store that took it was asked, or its log says which one to ask
        say(Finding(Code.BAG_ELSEWHERE, bag, f"{after} names it ({digest}) as the bag before it, and no store that was asked has it: "
                    "it lies in a store that was not asked, or is lost"))

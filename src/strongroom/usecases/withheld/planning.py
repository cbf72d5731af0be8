"""What is withheld, taken out of a plan of contents to be read (usecases.restore.plan)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Final

from strongroom.core.findings import Code, Finding
from strongroom.core.plural import plural
from strongroom.database import attached
from strongroom.usecases.restore.plan import WITHHELD, Plan
from strongroom.usecases.withheld.tombstones import Withheld

#: Files that are named one by one.
NAMED: Final = 1000


def need_not_withheld(plan: Plan, withheld: Withheld) -> int:
    """Withheld contents count as had: nobody looks for them. How many there are in the plan."""
    if not len(withheld):
        return 0
    with attached(plan.db, withheld.path, "gone") as db:
        return db.execute("UPDATE content SET done = 1, withheld = 1 WHERE sha IN (SELECT sha256 FROM gone.withheld)").rowcount


def leave_out_files(plan: Plan, withheld: Withheld, bag: str, found: Callable[[Finding], None]) -> list[bytes]:
    """Take the files out of a restore whose contents are withheld, and name them. Their paths below what is restored."""
    if not need_not_withheld(plan, withheld):
        return []
    with attached(plan.db, withheld.path, "gone") as db:
        sql = ("SELECT f.id, f.path, f.target, w.reason FROM file f JOIN content c ON c.id = f.content "
               "JOIN gone.withheld w ON w.sha256 = c.sha ORDER BY f.id")
        rows = db.execute(sql).fetchall()
    plan.set_states(WITHHELD, (number for number, *_ in rows))
    for _, path, _, reason in islice(rows, NAMED):
        found(Finding(Code.WITHHELD, f"{bag}: {path}", f"is withheld, and was left out: {reason}"))
    if len(rows) > NAMED:
        found(Finding(Code.WITHHELD, bag, f"{plural(len(rows) - NAMED, 'more file is', 'more files are')} withheld, and were left out"))
    return [target for _, _, target, _ in rows]

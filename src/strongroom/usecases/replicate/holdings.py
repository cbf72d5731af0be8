"""What a store has already of the contents that a bag needs, each object verified once before it is relied upon."""

from __future__ import annotations

from typing import Final

from strongroom.catalogue import Catalogue, ObjectRow
from strongroom.catalogue.slices import trusted_places
from strongroom.core.digests import Digest
from strongroom.database import Where, attached
from strongroom.runner.interface import Runner
from strongroom.stores.interface import Store
from strongroom.usecases.archive import batches
from strongroom.usecases.archive.readback import ReadBackJob, ReadBackResult, read_back
from strongroom.usecases.archive.reliance import find_gone
from strongroom.usecases.restore.plan import Plan

_CONTENTS: Final = "SELECT sha FROM content"
_TRUSTED: Final = (
    "FROM cat.places p JOIN cat.objects o ON o.id = p.object "
    "WHERE p.store = ?1 AND p.scope = ?2 AND p.sha256 = c.sha AND NOT o.damaged"
)


def chosen(plan: Plan, catalogue: Where, store: int, scope: str) -> list[ObjectRow]:
    """One trusted object of the store for each content of the plan that has one: verified before others, older before newer."""
    one = f"SELECT o.id {_TRUSTED} ORDER BY o.verified DESC, o.id LIMIT 1"
    wanted = f"SELECT ({one}) FROM content c"  # noqa: S608
    query = f"SELECT o.id, o.kind, o.digest, o.size, o.verified FROM cat.objects o WHERE o.id IN ({wanted}) ORDER BY o.id"  # noqa: S608
    with attached(plan.db, catalogue, "cat", trusted_places(store, scope, _CONTENTS)) as db:
        rows = db.execute(query, (store, scope)).fetchall()
    return [ObjectRow(number, kind, Digest.from_bytes(digest), size, bool(verified)) for number, kind, digest, size, verified in rows]


def settle(plan: Plan, catalogue: Catalogue, store: Store, number: int, scope: str, runner: Runner) -> None:
    """Mark as had every content that lies in the store in an object that is there and was verified, now or before."""
    looked: set[int] = set()
    while rows := [row for row in chosen(plan, catalogue.path, number, scope) if row.id not in looked]:
        looked |= {row.id for row in rows}  # what turns out bad is chosen no more, and another object in its place
        _, unread = find_gone(store, catalogue, rows)
        if unread:
            _verify(catalogue, store, unread, runner)
    with attached(plan.db, catalogue.path, "cat", trusted_places(number, scope, _CONTENTS)) as db:
        db.execute(f"UPDATE content AS c SET done = EXISTS (SELECT 1 {_TRUSTED} AND o.verified)", (number, scope))  # noqa: S608


def _verify(catalogue: Catalogue, store: Store, rows: list[ObjectRow], runner: Runner) -> None:
    total = sum(row.size for row in rows)
    jobs = [
        ReadBackJob(store, tuple(rows[first - 1 : last]), members=True)
        for first, last in batches.cut((row.size for row in rows), len(rows), total)
    ]
    for result in runner.map("verify what is there", read_back, jobs, files=len(rows), size=total, weigh=_weigh):
        for number, (contents, named) in result.members.items():
            catalogue.correct_places(number, contents, named)
        catalogue.mark_verified(result.sound)
        catalogue.mark_damaged(result.damaged)


def _weigh(result: ReadBackResult) -> tuple[int, int]:
    return len(result.sound) + len(result.damaged), result.size

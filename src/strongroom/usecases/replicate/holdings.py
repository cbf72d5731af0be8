"""What a store has already of the contents that a bag needs, each object verified once before it is relied upon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from strongroom.catalogue import Catalogue, ObjectRow
from strongroom.catalogue.slices import TRUSTED, trusted_places
from strongroom.core.digests import Digest
from strongroom.core.findings import Finding
from strongroom.database import Where, attached
from strongroom.runner.interface import Runner
from strongroom.stores.interface import Store
from strongroom.usecases.archive import batches
from strongroom.usecases.archive.hearsay import doubtful
from strongroom.usecases.archive.previous import SealedTagFiles
from strongroom.usecases.archive.readback import ReadBackJob, ReadBackResult, read_back
from strongroom.usecases.archive.reliance import CHOICE, Place, find_gone
from strongroom.usecases.restore.plan import Plan

_CONTENTS: Final = "SELECT sha AS sha256 FROM content"


def chosen(plan: Plan, catalogue: Where, store: int, scope: str) -> list[ObjectRow]:
    """One trusted object of the store for each content of the plan that has one: verified before others, older before newer."""
    wanted = f"SELECT ({CHOICE}) FROM ({_CONTENTS}) f"  # noqa: S608
    query = f"SELECT o.id, o.kind, o.digest, o.size, o.verified FROM cat.objects o WHERE o.id IN ({wanted}) ORDER BY o.id"  # noqa: S608
    with attached(plan.db, catalogue, "cat", trusted_places(store, scope, _CONTENTS)) as db:
        rows = db.execute(query, (store, scope)).fetchall()
    return [ObjectRow(number, kind, Digest.from_bytes(digest), size, bool(verified)) for number, kind, digest, size, verified in rows]


def settle(
    plan: Plan, catalogue: Catalogue, place: Place, before: SealedTagFiles | None, runner: Runner, found: Callable[[Finding], None]
) -> None:
    """Mark as had every content that lies in the store in an object that is there and was verified, now or before, and of which not the
    catalogue alone says that it holds it (archive/hearsay.py). `before`: a bag of the collection in this store."""
    looked: set[int] = set()
    read: set[int] = set()
    while True:
        rows = chosen(plan, catalogue.path, place.number, place.scope)
        new = [row for row in rows if row.id not in looked]
        looked |= {row.id for row in new}  # what turns out bad is chosen no more, and another object in its place
        _, unread = find_gone(place.store, catalogue, new)
        if not new:
            unread = doubtful(plan, _CONTENTS, catalogue.path, place, rows, read, before, found)
            if not unread:
                break
        read |= {row.id for row in unread}
        _verify(catalogue, place.store, unread, runner)
    with attached(plan.db, catalogue.path, "cat", trusted_places(place.number, place.scope, _CONTENTS)) as db:
        db.execute(
            "UPDATE content SET done = EXISTS (SELECT 1 FROM cat.places p JOIN cat.objects o ON o.id = p.object "  # noqa: S608 -- constants
            f"WHERE p.store = ?1 AND p.scope = ?2 AND p.sha256 = content.sha AND {TRUSTED} AND o.verified)", (place.number, place.scope))


def _verify(catalogue: Catalogue, store: Store, rows: list[ObjectRow], runner: Runner) -> None:
    if not rows:
        return
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

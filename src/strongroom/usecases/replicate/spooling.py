"""Keeping contents at home, within bounds, for stores that are absent now and may never be attached with the one that has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from strongroom.catalogue import Catalogue
from strongroom.catalogue.slices import places_anywhere
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedBagError
from strongroom.core.ids import BagId
from strongroom.database import attached
from strongroom.runner.interface import Runner
from strongroom.stores.interface import Store
from strongroom.usecases.context import Context
from strongroom.usecases.replicate import keep
from strongroom.usecases.replicate.bring import KnownBag
from strongroom.usecases.replicate.transfer import Transfer, load_contents
from strongroom.usecases.restore.locate import Level, locate
from strongroom.usecases.restore.plan import Plan
from strongroom.usecases.sealed.bag import open_bag
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.places import Places, Target
from strongroom.usecases.withheld.planning import need_not_withheld
from strongroom.usecases.withheld.tombstones import Withheld

Identity = tuple[BagId, Digest]


def spool_bags(
    behind: Sequence[tuple[str | None, Sequence[Identity]]], bags: Mapping[Identity, KnownBag], stores: Sequence[Store], limit: int,
    context: Context, catalogue: Catalogue, runner: Runner, collector: Collector, scratch: Path,
    withheld: Withheld,
) -> None:
    """Keep the contents of each bag that an absent store lacks, oldest bag first, as far as `limit` bytes over all spools allow.

    `behind`: for each absent store its id (None: it was never seen) and the bags it lacks.

    Spools of bags that no store lacks any more are dropped.
    """
    wanted = sorted({identity for _, lacking in behind for identity in lacking})
    for identity in set(bags) - set(wanted):
        keep.drop_spool(context, identity[1])
    for number, (bag, digest) in enumerate(wanted):
        room = limit - keep.spooled_bytes(context) if limit else 0
        if room <= 0:
            return
        folder = scratch / str(number)
        folder.mkdir(parents=True)
        try:
            sealed = open_bag(Target(bag, digest, Places([], collector, bags[bag, digest].holders)), folder, collector)
        except DamagedBagError:
            continue  # said when it was to be brought
        with Plan(folder / "plan.sqlite", create=True) as plan:
            load_contents(plan, sealed)
            need_not_withheld(plan, withheld)
            _leave_out_known(plan, catalogue, [store for store, lacking in behind if (bag, digest) in lacking])
            for other in keep.spools(context).values():
                locate(plan, -1, other, Level.HINTS, bag, runner, collector)
            plan.db.execute("UPDATE content SET done = 1 WHERE id IN (SELECT content FROM place)")
            _cut(plan, room)
            if plan.missing():
                transfer = Transfer(plan, keep.open_spool(context, digest), runner, collector, lambda _: None)
                transfer.from_stores(bag, list(enumerate(stores)), Level.HINTS)


def _leave_out_known(plan: Plan, catalogue: Catalogue, stores: Sequence[str | None]) -> None:
    """What each of the absent stores is known to hold need not wait for it."""
    with attached(plan.db, catalogue.path, "cat", places_anywhere("SELECT sha FROM content")) as db:
        known = "SELECT number FROM cat.stores WHERE id = ?"
        numbers = [row[0] if (row := db.execute(known, (store,)).fetchone()) else -1 for store in stores]
        marks = " AND ".join(
            "EXISTS (SELECT 1 FROM cat.places p JOIN cat.objects o ON o.id = p.object "  # noqa: S608
            f"WHERE p.store = {int(number)} AND p.sha256 = content.sha AND NOT o.damaged)" for number in numbers
        )
        db.execute(f"UPDATE content SET done = 1 WHERE {marks or '0'}")  # noqa: S608


def _cut(plan: Plan, room: int) -> None:
    """Only as many contents as there is room for, in order; a pack's own overhead is counted with each of them."""
    plan.db.execute(
        "UPDATE content SET done = 1 WHERE id IN (SELECT id FROM (SELECT id, sum(ifnull(size, 0) + 2048) OVER (ORDER BY id) AS upto "
        "FROM content WHERE done = 0) WHERE upto > ?)", (room,))

"""Limiting an audit to what the bags of one collection, or one bag, need."""

from __future__ import annotations

from typing import Final

from strongroom.core.keys import StoreKey
from strongroom.usecases.audit.kinds import Kind, name_of
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.scratch import Scratch

#: In `things.skip`: none of this audit's business.
OUT: Final = "out"


def limit(scratch: Scratch, request: AuditRequest) -> None:
    """Leave out what the bags asked for do not need: other bags, the packs and contents only those lean on, logs and audit results.

    Where a bag has no placement that can be read, every pack and content stays in.
    """
    if request.name is None:
        return
    labels = scratch.rows("SELECT bag FROM things WHERE bag IS NOT NULL UNION SELECT bag FROM seals")
    bags = {bag for (bag,) in labels if _asked(bag, request)}
    needed = {name_of(StoreKey(base)).unit for bag in bags for (base,) in scratch.rows("SELECT base FROM placed WHERE bag = ?", bag)}
    unplaced = any(
        scratch.one("SELECT 1 FROM attempts a WHERE a.bag = ?1 AND NOT EXISTS (SELECT 1 FROM placed p WHERE p.bag = ?1)", bag)
        for bag in bags
    )
    with scratch.transaction() as db:
        kept = ", ".join(f"'{kind.value}'" for kind in (Kind.DESCRIPTION, Kind.README))
        db.execute("CREATE TEMP TABLE asked (bag TEXT PRIMARY KEY)")
        db.execute("CREATE TEMP TABLE needed (unit TEXT PRIMARY KEY)")
        db.executemany("INSERT INTO asked VALUES (?)", ((bag,) for bag in bags))
        db.executemany("INSERT INTO needed VALUES (?)", ((unit,) for unit in needed))
        stored = f"bag IS NULL AND {int(unplaced)} AND (base LIKE 'packs/%' OR base LIKE 'content/%')"
        db.execute(
            f"UPDATE things SET skip = ? WHERE NOT (kind IN ({kept}) OR coalesce(bag, '') IN (SELECT bag FROM asked) "  # noqa: S608 -- names of our own
            f"OR unit IN (SELECT unit FROM needed) OR ({stored}))",
            (OUT,),
        )
        for (base,) in db.execute("SELECT base FROM absent").fetchall():
            name = name_of(StoreKey(base))
            held = name.unit in needed or (unplaced and base.startswith(("packs/", "content/")))
            if name.bag not in bags and not held:
                db.execute("DELETE FROM absent WHERE base = ?", (base,))


def _asked(bag: str, request: AuditRequest) -> bool:
    name, _, version = bag.partition("/v")
    return name == request.name and request.version in (None, int(version))


def asked(bag: str, request: AuditRequest) -> bool:
    """Whether a bag (NAME/vN) is one that the audit is about."""
    return request.name is None or _asked(bag, request)

"""What is said of the signatures of a whole store's bags, where there may be thousands of the same kind."""

from __future__ import annotations

import sqlite3
from typing import Final

from strongroom.core.findings import Code, Finding
from strongroom.core.plural import plural
from strongroom.signing import Trust
from strongroom.usecases.signatures.seals import NAMED_LATER, unsigned

_SHOWN: Final = 5


def in_groups(db: sqlite3.Connection, url: str, trust: Trust) -> list[tuple[str, Finding]]:
    """What is said of bags that are not signed, or by strangers: once for all of which the same is to say, with how many they are, under
    the first of their labels. `db` has the table `seals`."""
    vouched = (
        "WITH RECURSIVE vouched (seal) AS (SELECT previous FROM seals WHERE standing = 'trusted' UNION "
        "SELECT s.previous FROM seals s JOIN vouched v ON s.digest = v.seal) "
    )
    before = "EXISTS (SELECT 1 FROM seals e WHERE e.signer IS NOT NULL AND e.name = seals.name AND e.version < seals.version)"
    plain = "attempt IS NOT NULL AND signer IS NULL AND standing = 'unsigned'"
    chained = "digest IN (SELECT seal FROM vouched WHERE seal IS NOT NULL)"
    unknown = db.execute(
        "SELECT said, min(bag), count(*) FROM seals WHERE said_code = ? GROUP BY said", (Code.SIGNATURE_UNKNOWN_KEY.label,)).fetchall()
    found = [(bag, Finding(Code.SIGNATURE_UNKNOWN_KEY, f"{url}: {_many(bag, count)}", said)) for said, bag, count in unknown]
    for where, one in (
        (f"{plain} AND {chained}", Finding(Code.NO_SEAL_SIGNATURE, "", NAMED_LATER)),
        (f"{plain} AND NOT {chained} AND {before}", unsigned("", signs=True, before=True)),
        (f"{plain} AND NOT {chained} AND NOT {before}", unsigned("", signs=bool(trust.explicit), before=False)),
    ):
        count, first = db.execute(f"{vouched} SELECT count(*), min(bag) FROM seals WHERE {where}").fetchone()  # noqa: S608
        if count:
            rows = db.execute(f"{vouched} SELECT bag FROM seals WHERE {where} ORDER BY name, version LIMIT {_SHOWN}")  # noqa: S608
            shown = ", ".join(bag for (bag,) in rows)
            place = f"{url}: {shown}" + (f" and {count - _SHOWN:,} more" if count > _SHOWN else "")
            found.append((first, Finding(one.code, place, one.message)))
    return found


def _many(bag: str, count: int) -> str:
    return bag if count == 1 else f"{bag} and {plural(count - 1, 'more bag')}"

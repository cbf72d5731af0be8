"""The results of audits as they lie in the store itself, below `checks/` (docs/format.md, section 9)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from strongroom.catalogue import Catalogue
from strongroom.catalogue.checks import AuditRow, CheckRow, check_of, last_seq, mark_published, record_checks, record_written, unpublished
from strongroom.core import canonical
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, NotFoundInStoreError
from strongroom.core.findings import Code, Finding
from strongroom.core.keys import StoreKey
from strongroom.core.outcomes import CheckOutcome
from strongroom.stores.generations import put_or_generation, read_all
from strongroom.stores.interface import Store
from strongroom.usecases.audit.documents import FORMAT, parse_document
from strongroom.usecases.audit.kinds import Kind, name_of
from strongroom.usecases.audit.scratch import Scratch

#: Results in one document; a run with more makes several.
ROWS: Final = 20_000
_LIMIT: Final = 64 << 20
#: One document with a number far out would use up all that are left. A number beyond the last one known by more than this is no audit's.
_AHEAD: Final = 1_000_000


def publish(catalogue: Catalogue, store: Store, number: int, store_id: str, audit: AuditRow, *, ended: str, complete: bool) -> int:
    """Write every result that does not lie in the store yet, those of a run that was cut off among them. How many documents."""
    rows = unpublished(catalogue, number)
    part = 0
    while some := list(islice(rows, ROWS)):
        part += 1
        writer = catalogue.writer(number)
        data = canonical.dumps({
            "format": FORMAT, "store": store_id, "writer": writer, "seq": audit.seq, "part": part,
            "scope": audit.scope or None, "began": audit.began, "ended": ended, "complete": complete,
            "checks": [_to_json(row) for row in some],
        })
        key = put_or_generation(store, StoreKey(f"checks/{audit.seq:012d}/{writer}-{part:04d}.json"), data, Digest.of(data))
        mark_published(catalogue, number, some)
        record_written(catalogue, number, key, data)
    return part


def learn(scratch: Scratch, catalogue: Catalogue, store: Store, number: int, store_id: str) -> Iterator[Finding]:
    """Take in the results of audits by others, or by this installation before it lost its catalogue. A document that makes no sense is
    passed over: it is judged when it is its turn."""
    own, last = catalogue.writer(number), last_seq(catalogue, number)
    for (key,) in scratch.db.execute("SELECT key FROM things WHERE kind = ? ORDER BY key", (Kind.CHECKS,)).fetchall():
        if f"/{own}-" in key:
            continue
        if (problem := far_out(last, StoreKey(key))) is not None:
            yield Finding(Code.OBJECT_DAMAGED, f"{store.url}: {key}", problem)
            continue
        if check_of(catalogue, number, StoreKey(key)) is not None:
            continue
        found = read_results(store, StoreKey(key), store_id)
        if found is not None:
            last = max(last, found[0]["seq"])
            record_checks(catalogue, number, found[1], published=True)


def far_out(last: int, key: StoreKey) -> str | None:
    """What is wrong with the number in the key of a document, when `last` is the highest that is known; None if nothing is."""
    seq = int(key.text.split("/")[1])
    if seq <= last + _AHEAD:
        return None
    return f"cannot be of audit {seq} when the last one known is {last}; nothing in it is believed. See who put it there, and remove it"


def read_results(store: Store, key: StoreKey, store_id: str) -> tuple[dict[str, Any], list[CheckRow]] | None:
    """A document of results, and the results in it; None if it makes no sense. Raises StoreUnreachableError."""
    try:
        document = parse_document(read_all(store, key, _LIMIT), key.base[0].text, store_id)
        return document, list(_parse(document))
    except (NotFoundInStoreError, DamagedInStoreError, InvalidValueError, KeyError, TypeError, ValueError):
        return None


def _to_json(row: CheckRow) -> dict[str, Any]:
    name = name_of(row.key)
    told = name.digest is not None and name.kind in (Kind.PACK, Kind.CONTENT) and name.digest.hex
    value = {
        "key": row.key.text, "seq": row.seq, "outcome": row.outcome.value, "time": row.time, "size": row.size,
        "sha256": None if row.found == told and row.outcome is CheckOutcome.SOUND else row.found,
        "expected": None if row.expected in (row.found, told) else row.expected,
    }
    return {name: item for name, item in value.items() if item is not None}


def _parse(document: dict[str, Any]) -> Iterator[CheckRow]:
    for value in document["checks"]:
        key = StoreKey(value["key"])
        name, outcome = name_of(key), CheckOutcome(value["outcome"])
        told = name.digest.hex if name.digest is not None and name.kind in (Kind.PACK, Kind.CONTENT) else None
        found = Digest(value["sha256"]).hex if "sha256" in value else told if outcome is CheckOutcome.SOUND else None
        expected = Digest(value["expected"]).hex if "expected" in value else told or (found if outcome is CheckOutcome.SOUND else None)
        yield CheckRow(key, value["seq"], outcome, value["time"], value.get("size"), expected, found)

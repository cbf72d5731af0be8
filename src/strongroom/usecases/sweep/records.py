"""The records of a store's sweeps, written and read (docs/format.md, section 15)."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from strongroom.core.condemning import PART_LINES, Condemnation, document, parse_document, parse_sweep_key, part_key, sweep_key
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, KeyExistsError, NotFoundInStoreError
from strongroom.core.events import utc_now
from strongroom.core.ids import new_id
from strongroom.stores.generations import parsable, put_or_generation
from strongroom.stores.interface import Store

_LIMIT: Final = 16 << 20


@dataclass(slots=True)
class Sweep:
    """One sweep as its documents tell, as far as it got: the members of each that is there, by name ("begun", "record", …)."""

    seq: int
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def is_pending(self) -> bool:
        """Whether it condemned and did not end."""
        return "record" in self.documents and "done" not in self.documents

    @property
    def waits(self) -> list[str] | None:
        """The attempts that were open when its record was durable, "NAME/vN/ATTEMPT"; None if nobody came to list them."""
        listed = self.documents.get("waits", {}).get("attempts")
        return [str(one) for one in listed] if isinstance(listed, list) else None


def read_sweeps(store: Store) -> list[Sweep]:
    """Every sweep of a store, by number. A document that cannot be read counts as absent."""
    found: dict[int, Sweep] = {}
    for stat in store.list("sweep/"):
        named = parse_sweep_key(stat.key)
        if named is None:
            continue
        sweep = found.setdefault(named[0], Sweep(named[0]))
        if named[1].endswith(".json") and stat.key == stat.key.base[0]:
            with suppress(NotFoundInStoreError, DamagedInStoreError):
                for _, value in parsable(store, stat.key, lambda data, key=stat.key: parse_document(data, what=str(key)), _LIMIT):  # type: ignore[misc]
                    sweep.documents.setdefault(named[1].removesuffix(".json"), value)
    return [found[seq] for seq in sorted(found)]


def begin(store: Store, store_id: str, last: int) -> Sweep:
    """A number of our own, after `last`. Two sweeps that meet at one take turns."""
    seq = last
    while True:
        seq += 1
        data = document(store_id, seq, sweep=new_id(), began=utc_now())
        with suppress(KeyExistsError):
            store.put(sweep_key(seq, "begun.json"), data, sha256=Digest.of(data))
            return Sweep(seq, {"begun": parse_document(data, what="begun")})


def write_parts(store: Store, seq: int, kind: str, lines: Iterable[bytes]) -> tuple[int, int]:
    """Write the lines in parts; how many parts and lines."""
    count = number = 0
    rest = iter(lines)
    while some := list(islice(rest, PART_LINES)):
        number += 1
        data = b"".join(some)
        put_or_generation(store, part_key(seq, kind, number), data, Digest.of(data))
        count += len(some)
    return number, count


def write_document(store: Store, store_id: str, sweep: Sweep, name: str, **members: Any) -> None:
    """Write one and take it into `sweep`. Where somebody else who carries on this sweep was first, theirs counts."""
    data = document(store_id, sweep.seq, **members)
    key = sweep_key(sweep.seq, f"{name}.json")
    try:
        store.put(key, data, sha256=Digest.of(data))
    except KeyExistsError:
        with suppress(InvalidValueError):
            found = parsable(store, key, lambda data: parse_document(data, what=str(key)), _LIMIT)
            if found:
                sweep.documents[name] = found[-1][1]
                return
        put_or_generation(store, key, data, Digest.of(data))
    sweep.documents[name] = parse_document(data, what=name)


def condemn(store: Store, store_id: str, sweep: Sweep, lines: Iterable[Condemnation]) -> int:
    """Write what is condemned, and then, when all of it is durable, that it is; how many keys."""
    parts, count = write_parts(store, sweep.seq, "keys", (line.to_line() for line in lines))
    write_document(store, store_id, sweep, "record", parts=parts, keys=count, condemned=utc_now())
    return count

"""The documents of `sweep/SEQ/`: what a sweep condemns, whom it waits for, what it did (docs/format.md, section 15)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from strongroom.core import canonical
from strongroom.core.errors import InvalidValueError
from strongroom.core.keys import StoreKey

FORMAT: Final = "strongroom-sweep/1"
#: Lines of one part of a record.
PART_LINES: Final = 20_000
_KEY: Final = re.compile(r"sweep/([0-9]{12})/((?:begun|record|waits|done)\.json|(?:seen|keys|kept)-[0-9]{4}\.jsonl)\Z")


class Why(StrEnum):
    """Why a key is condemned."""

    DEAD = "dead-attempt"
    UNNEEDED = "unneeded"
    DAMAGED = "damaged"
    WITHHELD = "withheld"
    MOVED = "moved"  # a sweep named it before, and bags need it: nobody may count on it, so what they need is stored anew first


@dataclass(frozen=True, slots=True)
class Condemnation:
    """One line of a record. `why` is for people: who deletes finds out again whether it may go."""

    key: StoreKey
    why: Why

    def to_line(self) -> bytes:
        return canonical.dumps({"key": self.key.text, "why": self.why.value})


def parse_condemnation(line: bytes, *, what: str) -> Condemnation:
    """Raises InvalidValueError, naming `what`, if this is no line of a record."""
    value = canonical.loads_line(line, what=what)
    try:
        return Condemnation(StoreKey(value["key"]), Why(value["why"]))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InvalidValueError(f"{what}: not a line of what a sweep condemns: {error}") from error


def sweep_key(seq: int, name: str) -> StoreKey:
    """Where it lies.

    >>> sweep_key(3, "begun.json").text
    'sweep/000000000003/begun.json'
    """
    return StoreKey(f"sweep/{seq:012d}/{name}")


def part_key(seq: int, kind: str, number: int) -> StoreKey:
    """A part of what sweep `seq` condemns (`kind` "keys"), took back ("kept") or saw for the first time ("seen"); `number` from 1."""
    return sweep_key(seq, f"{kind}-{number:04d}.jsonl")


def parse_sweep_key(key: StoreKey) -> tuple[int, str] | None:
    """The number of the sweep and the document's name, for a key in any generation; None if it is none of ours."""
    match = _KEY.match(key.base[0].text)
    return (int(match[1]), match[2]) if match else None


def document(store_id: str, seq: int, **members: Any) -> bytes:
    """A JSON document of a sweep."""
    return canonical.dumps({"format": FORMAT, "store": store_id, "seq": seq, **members})


def parse_document(data: bytes, *, what: str) -> dict[str, Any]:
    """Raises InvalidValueError, naming `what`, if these bytes are no document of a sweep."""
    value = canonical.loads(data, what=what)
    if not isinstance(value, dict) or value.get("format") != FORMAT or type(value.get("seq")) is not int:
        raise InvalidValueError(f"{what}: not a document of a sweep")
    return value

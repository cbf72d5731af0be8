"""A batch of the log: events of one writer, chained to the batch before (docs/format.md, section 7)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from strongroom.core import canonical
from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError
from strongroom.core.events import Event
from strongroom.core.ids import check_id
from strongroom.core.keys import StoreKey

LIMIT: Final = 64 << 20  # bytes
_FORMAT: Final = "strongroom-log/1"
_KEY: Final = re.compile(r"log/([0-9a-f]{32})/([0-9]{12})\.json\Z")


def form_batch(store_id: str, writer: str, seq: int, previous: Digest | None, events: Sequence[Event]) -> bytes:
    """The bytes of a batch of a chain that began in the store `store_id`; `previous` is the SHA-256 of the one before (None: the first)."""
    return canonical.summed({
        "format": _FORMAT, "store": store_id, "writer": writer, "seq": seq,
        "previous": None if previous is None else previous.hex, "events": [event.to_json() for event in events],
    })


def parse_key(key: StoreKey) -> tuple[str, int] | None:
    """Writer and number, if the key is that of a batch (in any generation)."""
    match = _KEY.match(key.base[0].text)
    return None if match is None else (match[1], int(match[2]))


def parse_batch(data: bytes, key: StoreKey) -> dict[str, Any]:
    """The batch these bytes are, all members in their form. Raises InvalidValueError if they are none that could lie at this key."""
    value = canonical.loads(data, what=str(key))
    wrong = InvalidValueError(f"{key}: not the batch of the log that belongs here")
    if not isinstance(value, dict) or value.get("format") != _FORMAT:
        raise wrong
    canonical.check_sum(value, data, what=str(key))
    writer, seq, before, events = (value.get(name) for name in ("writer", "seq", "previous", "events"))
    if (writer, seq) != parse_key(key) or not isinstance(value.get("store"), str) or not isinstance(events, list):
        raise wrong
    check_id(value["store"])
    if (seq == 1) != (before is None) or not all(map(_is_event, events)):
        raise wrong
    if before is not None:
        Digest(before)
    return value


def _is_event(event: object) -> bool:
    if not isinstance(event, Mapping):
        return False
    objects = event.get("linkingObjectIdentifier")
    return (
        isinstance(objects, list) and all(isinstance(text, str) for text in objects)
        and all(isinstance(event.get(name), str) for name in ("eventIdentifier", "eventType", "eventDateTime", "eventOutcome"))
    )

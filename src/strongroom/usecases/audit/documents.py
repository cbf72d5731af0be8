"""What a document of results below `checks/` may say (docs/format.md, section 9): anybody who can write there can put one."""

from __future__ import annotations

import re
from typing import Any, Final

from strongroom.core import canonical
from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError
from strongroom.core.keys import StoreKey
from strongroom.core.outcomes import CheckOutcome

FORMAT: Final = "strongroom-checks/1"
#: What these documents say of a key: whether its bytes were there, and right. The rest is for reports, or says nothing of the bytes.
_OUTCOMES: Final = frozenset((CheckOutcome.SOUND.value, CheckOutcome.DAMAGED.value, CheckOutcome.MISSING.value))
_MEMBERS: Final = frozenset(("key", "seq", "outcome", "time", "size", "sha256", "expected"))
_SCOPE: Final = re.compile(r"[a-z0-9~][a-z0-9._/-]{0,80}\Z")
#: There may be 20,000 times in a document; `parse_utc` takes ten times as long.
_UTC: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z\Z")
_SIZE_LIMIT: Final = 1 << 63  # bytes: what the catalogue can hold


def parse_document(data: bytes, base: str, store_id: str) -> dict[str, Any]:
    """The document at the key `base` (without its generation). Raises InvalidValueError, KeyError or TypeError for one that makes no
    sense there: of another place, of a store that is not this one, or with a result that no audit can have come to."""
    value: dict[str, Any] = canonical.loads(data, what=base)
    place = f"checks/{value['seq']:012d}/{value['writer']}-{value['part']:04d}.json"
    if value["format"] != FORMAT or place != base or value["store"] != store_id:
        raise InvalidValueError(f"says that it is {place} of the store {value['store']}")
    if type(value["seq"]) is not int or value["seq"] < 1 or type(value["part"]) is not int:
        raise InvalidValueError(f"is part {value['part']!r} of an audit {value['seq']!r}")
    if type(value["complete"]) is not bool or not (value["scope"] is None or _SCOPE.match(value["scope"])):
        raise InvalidValueError("says neither of what it was an audit nor whether it was complete")
    for name in ("began", "ended"):
        _check_time(value[name])
    for check in value["checks"]:
        _check_result(check, value["seq"])
    return value


def _check_result(check: dict[str, Any], last: int) -> None:
    if not _MEMBERS.issuperset(check) or check["outcome"] not in _OUTCOMES:
        raise InvalidValueError(f"has a result that is none: {str(check)[:120]}")
    StoreKey(check["key"])
    for name in ("sha256", "expected"):
        if name in check:
            Digest(check[name])
    if type(check["seq"]) is not int or not 0 <= check["seq"] <= last:
        raise InvalidValueError(f"has a result of the audit {check['seq']!r}, which none can have that was written by audit {last}")
    if type(size := check.get("size", 0)) is not int or not 0 <= size < _SIZE_LIMIT:
        raise InvalidValueError(f"has a result of {size!r} bytes")
    _check_time(check["time"])


def _check_time(text: object) -> None:
    if not isinstance(text, str) or not _UTC.match(text):
        raise InvalidValueError(f"has the time {text!r}")

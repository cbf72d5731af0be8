"""What a HEAD says about the storage class of an object, and how it is asked for out of a cold one. Imports no S3 library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

from strongroom.core.warmth import FROZEN, State, Tier, Warmth

_TIERS: Final[dict[Tier, str]] = {"bulk": "Bulk", "standard": "Standard", "expedited": "Expedited"}
_EXPIRY: Final = re.compile(r'expiry-date="([^"]+)"')


def warmth_of(reply: Mapping[str, Any], size: int) -> Warmth:
    """By the answer to HeadObject: StorageClass (absent for STANDARD), ArchiveStatus (of INTELLIGENT_TIERING) and Restore, which is
    'ongoing-request="true"' or 'ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"'.

    >>> warmth_of({"StorageClass": "GLACIER", "Restore": 'ongoing-request="true"'}, 7).state
    <State.THAWING: 'thawing'>
    """
    kind = reply.get("ArchiveStatus") or reply.get("StorageClass") or "STANDARD"
    said = reply.get("Restore", "")
    if kind not in FROZEN:
        return Warmth(kind, State.WARM, size)
    if 'ongoing-request="true"' in said:
        return Warmth(kind, State.THAWING, size)
    if 'ongoing-request="false"' in said:
        return Warmth(kind, State.THAWED, size, _expiry(said))
    return Warmth(kind, State.COLD, size)


def _expiry(said: str) -> Any:
    match = _EXPIRY.search(said)
    try:
        return parsedate_to_datetime(match[1]) if match else None
    except ValueError:
        return None


def restore_request(storage_class: str, tier: Tier, days: int) -> dict[str, Any]:
    """The RestoreRequest of RestoreObject. What moves by itself is moved back, and not copied for some days."""
    job = {"GlacierJobParameters": {"Tier": _TIERS[tier]}}
    return job if storage_class.endswith("_ACCESS") else {"Days": days, **job}

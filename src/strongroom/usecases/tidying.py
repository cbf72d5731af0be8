"""Sweeping up what runs that were cut off left behind. Never a key of the store."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from strongroom.core.errors import StoreError
from strongroom.stores.interface import Store

_DAY: Final = 86_400
#: Seconds. A temporary of a disk grows while it is in use; an upload in parts keeps the date of its beginning, and may take days.
_TEMPORARIES, _UPLOADS = _DAY, 7 * _DAY


def tidy(store: Store) -> int:
    """Remove temporaries over a day old and unfinished uploads over a week old; how many.

    0 where that is not allowed or the store does not answer: what is left costs space and harms nothing, and the next run tries again.
    """
    with suppress(StoreError):
        return store.tidy(_UPLOADS if store.url.startswith("s3:") else _TEMPORARIES)
    return 0

"""Saying what a reader of a store must know, before anything that needs it is written (docs/format.md, section 2)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Final

from strongroom.core.digests import Digest
from strongroom.core.errors import KeyExistsError, StoreError
from strongroom.core.keys import StoreKey
from strongroom.stores.describe import ZSTD, read_description
from strongroom.stores.interface import Store

__all__ = ["ZSTD", "declare"]

_TRIES: Final = 20  # against others who describe the store at the same moment


def declare(store: Store, feature: str) -> None:
    """See to it that the store's description names the feature, by a successor that differs in nothing else.

    Several may do so at once: they write equal bytes, or one is later and looks again. Raises WrongStoreError if there is no store.
    """
    for _ in range(_TRIES):
        now = read_description(store)
        if feature in now.features:
            return
        then = replace(now, features=tuple(sorted({*now.features, feature})), number=now.number + 1)
        data = then.to_bytes()
        with suppress(KeyExistsError):
            store.put(StoreKey(f"strongroom-{then.number}.json"), data, sha256=Digest.of(data))
    raise StoreError(f"{store.url}: its description cannot be succeeded: strongroom-{now.number + 1}.json is there and says nothing; "
                     "run `strongroom repair`")

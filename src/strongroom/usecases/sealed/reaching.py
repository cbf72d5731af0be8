"""From the entries of collection manifests that name a store to the way it is reached."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from strongroom.core.retention import Retention
from strongroom.stores.open import StoreOptions

if TYPE_CHECKING:
    from strongroom.collections.model import StoreRef


def store_options(references: Sequence[StoreRef], workers: int | None = None) -> StoreOptions:
    """How to reach the store that these entries name: as the first of them says, or by the usual means where there is none.

    `workers`: the processes that share what the lowest `rate_limit` allows. None: it does not hold, as for a restore, for which
    somebody waits.
    """
    if not references:
        return StoreOptions()
    first = references[0]
    rates = [reference.rate_limit for reference in references if reference.rate_limit is not None]
    return StoreOptions(
        endpoint_url=first.endpoint_url, region=first.region, storage_class=first.storage_class,
        request_checksum_calculation=first.checksum_mode, rate_limit=min(rates) / workers if rates and workers else None,
        retention=longest(reference.retention for reference in references),
    )


def longest(policies: Iterable[Retention | None]) -> Retention | None:
    """What all of these ask for: the most days, in compliance mode if any says so."""
    stated = [policy for policy in policies if policy is not None]
    if not stated:
        return None
    return Retention("compliance" if any(policy.mode == "compliance" for policy in stated) else "governance",
                     max(policy.days for policy in stated))

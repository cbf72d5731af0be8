"""What the collection manifests say of each store: how to reach it, whether it is usually away, and how it is to be audited."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from strongroom.collections.model import AuditPolicy, CollectionManifest, StoreRef
from strongroom.core.findings import Finding
from strongroom.core.retention import Retention
from strongroom.stores.open import StoreOptions
from strongroom.usecases.context import Context
from strongroom.usecases.replicate.manifests import known_manifests
from strongroom.usecases.sealed.reaching import longest, store_options

#: What was not read for this share of the age allowed is read, so that nothing is late when it is its turn.
EARLY: Final = 2 / 3


class Policies:
    """Stores are asked about by id (None: not known) and URL. `findings`: manifests that could not be read."""

    def __init__(self, manifests: Sequence[CollectionManifest], findings: Sequence[Finding] = ()) -> None:
        self._manifests = manifests
        self.findings = tuple(findings)

    @classmethod
    def known(cls, context: Context) -> Policies:
        """Those of the collections that the catalogue knows."""
        return cls(*known_manifests(context))

    def options(self, store_id: str | None, url: str, workers: int) -> StoreOptions:
        """How to reach the store with so many worker processes."""
        return store_options([reference for _, reference in self._naming(store_id, url)], workers)

    def retention(self, store_id: str | None, url: str) -> Retention | None:
        """How long what lies in the store is kept: the longest that any collection asks for, in the stricter mode. None: nobody asks."""
        return longest(reference.retention for _, reference in self._naming(store_id, url))

    def is_offline(self, store_id: str | None, url: str) -> bool:
        """Whether the absence of the store is no fault: every collection that names it says so."""
        named = self._naming(store_id, url)
        return bool(named) and all(reference.offline for _, reference in named)

    def audit(self, store_id: str | None, url: str) -> AuditPolicy:
        """How the store is to be audited: by the lowest age and the smallest budgets of all collections that name it."""
        policies = [manifest.audit_of(reference) for manifest, reference in self._naming(store_id, url)]
        return AuditPolicy(
            _least(policy.max_age_days for policy in policies), _least(policy.max_bytes for policy in policies),
            _least(policy.max_minutes for policy in policies),
        )

    def _naming(self, store_id: str | None, url: str) -> list[tuple[CollectionManifest, StoreRef]]:
        return [(manifest, one) for manifest in self._manifests for one in manifest.stores if one.names(store_id, url)]


def _least(values: Iterable[int | None]) -> int | None:
    return min((value for value in values if value is not None), default=None)

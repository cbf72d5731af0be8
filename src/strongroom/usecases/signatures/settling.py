"""Several seals under one label: which one a signature by a trusted key makes the bag (docs/format.md, section 10.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from strongroom.core.digests import Digest
from strongroom.core.errors import StoreUnreachableError
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId
from strongroom.signing import Keyring, Trust
from strongroom.stores.interface import Store
from strongroom.usecases.sealed.seals import Seals
from strongroom.usecases.signatures.seals import judge_bag
from strongroom.usecases.signatures.store_keys import trust_in


@dataclass(frozen=True, slots=True)
class Arbiter:
    """Chooses by whom this installation trusts, and is asked only where there are several seals. `trust_of`: what it believes, with
    what lies in a store."""

    trust_of: Callable[[Store], Trust]

    @classmethod
    def at(cls, home: Path) -> Arbiter:
        """By the keys kept at `home`."""
        return cls.of(Keyring(home))

    @classmethod
    def of(cls, keyring: Keyring) -> Arbiter:
        return cls(lambda store: trust_in(keyring, [store]) if keyring.trust().explicit else Trust())

    def settle(self, store: Store, seals: Seals) -> Seals:
        """What a store holds under a label, if several seals (void ones included) and one alone has a trusted signature: that one, with
        a warning that the others were passed over. Otherwise as it was. Raises StoreUnreachableError."""
        if len(seals.found) + seals.void < 2:
            return seals
        chosen = self.choose(seals.bag, {one.digest: [store] for one in seals.found})
        if chosen is None:
            return seals
        said = [one for one in seals.findings if one.code is not Code.FORKED]
        others = [one.digest for one in seals.found if one.digest != chosen]
        found = tuple(one for one in seals.found if one.digest == chosen)
        warning = passed_over(f"{store.url}: {seals.bag}", chosen, others, void=seals.void)
        return replace(seals, found=found, findings=(*said, warning), void=False, passed_over=tuple(others), settled=True)

    def choose(self, bag: BagId, seals: Mapping[Digest, Sequence[Store]]) -> Digest | None:
        """Of the seals of a label, with the stores that hold each, the one that alone has a trusted signature. None: none, or several.

        A store that does not answer says nothing for a seal.
        """
        trusted = [digest for digest, stores in seals.items() if any(self._is_trusted(store, bag, digest) for store in stores)]
        return trusted[0] if len(trusted) == 1 else None

    def _is_trusted(self, store: Store, bag: BagId, digest: Digest) -> bool:
        with suppress(StoreUnreachableError):
            signature, _ = judge_bag([store], bag, digest, self.trust_of)
            return signature is not None and signature.good
        return False


def passed_over(place: str, chosen: Digest, others: Iterable[Digest], *, void: bool) -> Finding:
    """The warning that goes with a choice."""
    names = [*(digest.hex for digest in sorted(others, key=lambda one: one.hex)), *(["one that voids the number"] if void else [])]
    are = "is not" if len(names) == 1 else "are not"
    return Finding(
        Code.SEAL_PASSED_OVER, place, f"{', '.join(names)} {are} signed by a key that is trusted here, and {chosen} is: that one is the "
        "bag. Whatever else was sealed under this label stays where it is, and --seal reads it: find out who put it there")

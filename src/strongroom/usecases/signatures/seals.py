"""What is said of a seal's signature, from the stores that hold the bag (docs/format.md, section 10.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, NotFoundInStoreError
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId
from strongroom.core.seal import Seal, parse_seal
from strongroom.signing import Judgement, Revocation, Standing, Trust, examine
from strongroom.signing.minisign import key_name
from strongroom.stores.generations import generations, read_all, read_verified
from strongroom.stores.interface import Store
from strongroom.usecases.sealed.seals import SEAL_LIMIT, find_versions, read_seals

_LIMIT: Final = 1 << 16  # a signature has four lines
_LOOK_BACK: Final = 20  # bags before or after one that are looked at for its sake
_ORDER: Final = (Standing.TRUSTED, Standing.REVOKED, Standing.UNKNOWN_KEY, Standing.BROKEN, Standing.UNSIGNED)


@dataclass(frozen=True, slots=True)
class Signature:
    """What the signature of a seal in one store is worth. `missing`: the seal names a signer, and there is none."""

    place: str
    judgement: Judgement
    missing: bool = False

    @property
    def good(self) -> bool:
        return self.judgement.standing is Standing.TRUSTED

    def finding(self) -> Finding | None:
        """What is to be said of it alone; None for a trusted one, and for a bag that does not say that it is signed."""
        if self.missing:
            return Finding(Code.SIGNATURE_MISSING, self.place, _MISSING)
        if self.judgement.standing not in _SAID:
            return None
        key = self.judgement.key
        name = key.fingerprint.hex if key else f"whose id is {key_name(self.judgement.key_id)}"
        code, words = _SAID[self.judgement.standing]
        return Finding(code, self.place, words.format(key=name))


_MISSING: Final = (
    "the seal says that it is signed, and the signature is gone: removed, or lost. `strongroom repair` brings it back from another store"
)
_SAID: Final = {
    Standing.BROKEN: (Code.SIGNATURE_BROKEN, (
        "the signature does not hold: the seal, or its signature, was altered since it was signed. Another store may have both whole; if "
        "none has, do not believe what this bag says of itself")),
    Standing.REVOKED: (Code.SIGNATURE_REVOKED, (
        "signed by the key {key}, which was revoked, and nothing shows that it was sealed before that: whoever stole the key may have "
        "made it")),
    Standing.UNKNOWN_KEY: (Code.SIGNATURE_UNKNOWN_KEY, (
        "signed by a key that is not trusted here, {key}. Whoever says that it is theirs can tell you its fingerprint; "
        "`strongroom keys trust` believes it from then on")),
}


def judge_seal(store: Store, seal: Seal, data: bytes, trust: Trust) -> Signature:
    """What the best signature over these bytes of a seal is worth that lies in the store. Raises StoreUnreachableError."""
    base = keys.signature(seal.bag, seal.attempt)
    early = _Early(store, seal, Digest.of(data))
    best = Judgement(Standing.UNSIGNED)
    for at in _usual_first(store, base):
        with suppress(NotFoundInStoreError, DamagedInStoreError):
            found = examine(data, read_all(store, at, _LIMIT), trust, early.before)
            best = min(best, found, key=lambda one: _ORDER.index(one.standing))
        if best.standing is Standing.TRUSTED:
            break
    unsaid = best.standing is Standing.UNSIGNED
    if best.standing is Standing.UNKNOWN_KEY and best.key is None and seal.signer is not None and trust.find(seal.signer) is not None:
        best = Judgement(Standing.BROKEN, key_id=best.key_id)  # its key is at hand, and the signature names another
    return Signature(f"{store.url}: {base}", best, unsaid and seal.signer is not None)


def judge_bag(
    stores: Iterable[Store], bag: BagId, digest: Digest, trust_of: Callable[[Store], Trust]
) -> tuple[Signature | None, tuple[Finding, ...]]:
    """The signature of a bag, out of the first of the stores that has one that holds, or else out of the first; and what there is to
    say of it. None if no store has this seal whole, which others say. Raises StoreUnreachableError."""
    worst: list[tuple[Signature, Finding]] = []
    for store in stores:
        try:
            data = read_verified(store, keys.seal(bag), digest, SEAL_LIMIT)
        except (NotFoundInStoreError, DamagedInStoreError):
            continue
        seal = parse_seal(data, what=str(bag))
        assert isinstance(seal, Seal)  # a void seal is no bag's identity
        trust = trust_of(store)
        found = judge_seal(store, seal, data, trust)
        said = found.finding()
        if said is None or said.code is Code.SIGNATURE_UNKNOWN_KEY:
            lost = [Finding(Code.COPY_DAMAGED, one.place, f"{what.code.label}; another store has it whole") for one, what in worst]
            if said is None and not found.good:
                said = _unsigned(store, seal, digest, trust)
            return found, (*lost, *((said,) if said else ()))
        worst.append((found, said))
    return (worst[0][0], (worst[0][1],)) if worst else (None, ())


def _unsigned(store: Store, seal: Seal, digest: Digest, trust: Trust) -> Finding:
    place = f"{store.url}: {seal.bag}"
    if trust.explicit and _named_later(store, seal.bag, digest, trust):
        return Finding(Code.NO_SEAL_SIGNATURE, place, NAMED_LATER)
    return unsigned(place, signs=bool(trust.explicit), before=_signed_before(store, seal))


NAMED_LATER: Final = "not signed itself; a later bag of the collection is, and answers for it"


def unsigned(place: str, *, signs: bool, before: bool) -> Finding:
    """What is said of bags without signature, where this installation has keys (`signs`), or earlier bags are signed (`before`)."""
    if before:
        return Finding(Code.SIGNATURE_ABSENT, place, "not signed, and earlier bags of the collection are: find out who made it")
    if signs:
        return Finding(Code.SIGNATURE_ABSENT, place, "not signed, and this installation trusts keys: somebody else made it, or it is older "
                       "than they are. Once a later bag of its collection is signed, that one answers for it")
    return Finding(Code.NO_SEAL_SIGNATURE, place, "not signed: nothing shows who sealed it (`strongroom keys new` makes a key)")


def _signed_before(store: Store, seal: Seal) -> bool:
    """Whether a bag before it (not too long before: this is asked in passing) says that it is signed."""
    for _ in range(_LOOK_BACK):
        if seal.previous is None:
            return False
        try:
            before = parse_seal(read_verified(store, keys.seal(seal.previous.bag), seal.previous.seal, SEAL_LIMIT), what="seal")
        except (NotFoundInStoreError, DamagedInStoreError, InvalidValueError):
            return False
        if not isinstance(before, Seal):
            return False
        if before.signer is not None or generations(store, keys.signature(before.bag, before.attempt)):
            return True
        seal = before
    return False


def _named_later(store: Store, bag: BagId, digest: Digest, trust: Trust) -> bool:
    """Whether a later bag that names this one, by way of those between them, has a trusted signature. An audit asks without limit."""
    named = {digest}
    later = [version for version in find_versions(store, bag.name) if version > bag.version]
    for version in later[:_LOOK_BACK]:
        for found in read_seals(store, BagId(bag.name, version)).found:
            if found.seal.previous is not None and found.seal.previous.seal in named:
                named.add(found.digest)
                data = read_verified(store, keys.seal(found.bag), found.digest, SEAL_LIMIT)
                if judge_seal(store, found.seal, data, trust).good:
                    return True
    return False


@dataclass(frozen=True, slots=True)
class _Early:
    """Whether a seal was there when a key was revoked: the revocation names it, or a later seal that goes back to it."""

    store: Store
    seal: Seal
    digest: Digest

    def before(self, revocation: Revocation) -> bool:
        if revocation.names(self.digest):
            return True
        named = [one for one in revocation.seals if one.bag.name == self.seal.bag.name and one.bag > self.seal.bag]
        return any(self._leads_here(one.bag, one.seal) for one in named)

    def _leads_here(self, bag: BagId, digest: Digest) -> bool:
        while bag > self.seal.bag:
            try:
                seal = parse_seal(read_verified(self.store, keys.seal(bag), digest, SEAL_LIMIT), what=str(bag))
            except (NotFoundInStoreError, DamagedInStoreError, InvalidValueError):
                return False
            if seal.previous is None or seal.previous.bag >= bag:
                return False
            bag, digest = seal.previous.bag, seal.previous.seal
        return digest == self.digest


def _usual_first(store: Store, base: keys.StoreKey) -> Iterator[keys.StoreKey]:
    yield base
    yield from (at for at in generations(store, base) if at != base)

"""What the signature of a seal is worth, as a worker found it."""

from __future__ import annotations

from dataclasses import dataclass

from strongroom.core import keys
from strongroom.core.findings import Finding
from strongroom.signing import Trust
from strongroom.stores.generations import read_verified
from strongroom.stores.interface import Store
from strongroom.usecases.sealed.seals import SEAL_LIMIT, FoundSeal
from strongroom.usecases.signatures.seals import judge_seal


@dataclass(frozen=True, slots=True)
class SignedSeal:
    found: FoundSeal
    standing: str
    said: Finding | None  # of this seal alone

    def row(self) -> tuple[str | None, ...]:
        """As the table `seals` has it."""
        seal, said = self.found.seal, (None, None) if self.said is None else (self.said.message, self.said.code.label)
        previous, signer = seal.previous.seal.hex if seal.previous else None, seal.signer.hex if seal.signer else None
        return (str(seal.bag), self.found.digest.hex, seal.attempt, previous, signer, self.standing, *said)


def judge(store: Store, found: FoundSeal, trust: Trust) -> SignedSeal:
    """Raises StoreUnreachableError."""
    data = read_verified(store, keys.seal(found.bag), found.digest, SEAL_LIMIT)
    signature = judge_seal(store, found.seal, data, trust)
    return SignedSeal(found, signature.judgement.standing.value, signature.finding())

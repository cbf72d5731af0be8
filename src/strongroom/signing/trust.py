"""Whom to believe: the keys a person trusts, and what those keys say about others. Nothing here asks anybody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from strongroom.core.digests import Digest
from strongroom.signing.minisign import PublicKey
from strongroom.signing.standing import weigh
from strongroom.signing.statements import Revocation, Signed


@dataclass(slots=True)
class Trust:
    """Trusted keys and every statement at hand (docs/format.md, section 10.3)."""

    explicit: frozenset[PublicKey] = frozenset()  # a person said so
    known: frozenset[PublicKey] = frozenset()  # keys that lie in a store: they tell a stranger's signature from a broken one
    statements: tuple[Signed, ...] = ()
    _trusted: dict[Digest, PublicKey] = field(default_factory=dict)
    _revoked: dict[Digest, list[Revocation]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._trusted, self._revoked = weigh(self.explicit, self.statements)

    @property
    def keys(self) -> frozenset[PublicKey]:
        """Every trusted key, revoked ones among them."""
        return frozenset(self._trusted.values())

    def is_trusted(self, key: PublicKey) -> bool:
        return key.fingerprint in self._trusted

    def revocations(self, key: PublicKey) -> list[Revocation]:
        """The revocations of a key that count. Where another key revoked it as well, its own, which a thief could sign, does not."""
        found = self._revoked.get(key.fingerprint, [])
        return [one for one in found if one.by != one.key] or found

    def candidates(self, key_id: bytes) -> list[PublicKey]:
        """Every key of this id: trusted ones first."""
        every = (key for key in self.keys | self.known if key.id == key_id)
        return sorted(every, key=lambda key: (not self.is_trusted(key), key))

    def find(self, fingerprint: Digest) -> PublicKey | None:
        """The key of this fingerprint, if it is trusted or known."""
        return next((key for key in self.keys | self.known if key.fingerprint == fingerprint), None)

    def adding(self, keys: Iterable[PublicKey], statements: Iterable[Signed]) -> Trust:
        """This trust with what lies in a store: its keys are known by that, not trusted; its statements count if they are signed so."""
        every = {(one.data, one.signature): one for one in (*self.statements, *statements)}
        return Trust(self.explicit, self.known | frozenset(keys), tuple(every.values()))

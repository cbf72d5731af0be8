"""Which statements of keys count (docs/format.md, section 10.3). In doubt a key is revoked and a successor is not believed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from strongroom.core.digests import Digest
from strongroom.signing.minisign import PublicKey
from strongroom.signing.statements import Revocation, Rotation, Signed

#: Steps of the weighing; no honest set of statements needs a hundredth of them. After that everything counts as doubtful.
_BUDGET: Final = 100_000


def weigh(
    explicit: frozenset[PublicKey], statements: Iterable[Signed]
) -> tuple[dict[Digest, PublicKey], dict[Digest, list[Revocation]]]:
    """The trusted keys, and the revocations that count by the key they revoke.

    A rotation counts if its signer is trusted, and every revocation of the signer that counts says that it still holds. A revocation
    counts if it is signed by the key itself, a successor of it, or a key in `explicit`; and if that signer is trusted and was not
    revoked by another without mention of it.
    """
    weighing = _Weighing(explicit, statements)
    trusted = {key.fingerprint: key for key in explicit}
    revoked: dict[Digest, list[Revocation]] = {}
    for digest, says in weighing.says.items():
        if weighing.counts(digest, ()):
            if isinstance(says, Rotation):
                trusted[says.successor.fingerprint] = says.successor
            else:
                revoked.setdefault(says.key, []).append(says)
    return trusted, revoked


class _Weighing:
    def __init__(self, explicit: frozenset[PublicKey], statements: Iterable[Signed]) -> None:
        self.roots = {key.fingerprint for key in explicit}
        self.left = _BUDGET
        self.says: dict[Digest, Rotation | Revocation] = {}  # what is signed by a key that is trusted, or would be
        keys = {key.fingerprint: key for key in explicit}
        waiting = list(statements)
        while signed := [one for one in waiting if (key := keys.get(one.statement.by)) is not None and one.holds(key)]:
            for one in signed:
                says = one.statement
                self.says[one.digest] = says
                if isinstance(says, Rotation):
                    keys.setdefault(says.successor.fingerprint, says.successor)
            waiting = [one for one in waiting if one not in signed]

    def counts(self, digest: Digest, path: tuple[Digest, ...]) -> bool:
        says = self.says[digest]
        self.left -= 1
        if digest in path or self.left < 0:
            return isinstance(says, Revocation)  # two that undo each other: the cautious reading of both
        if isinstance(says, Revocation) and not self._may_revoke(says):
            return False
        further = (*path, digest)
        if says.by not in self.roots and not any(self.counts(one, further) for one in self._to(says.by)):
            return False
        against = (one for one, other in self.says.items() if isinstance(other, Revocation) and other.key == says.by
                   and not other.names(digest) and (isinstance(says, Rotation) or other.by != says.by))
        return not any(self.counts(one, further) for one in against)

    def _may_revoke(self, says: Revocation) -> bool:
        return says.by == says.key or says.by in self.roots or says.by in self._successors(says.key)

    def _successors(self, key: Digest) -> set[Digest]:
        found = {key}
        while more := {one.successor.fingerprint for one in self.says.values() if isinstance(one, Rotation) and one.by in found} - found:
            found |= more
        return found - {key}

    def _to(self, key: Digest) -> list[Digest]:
        return [digest for digest, one in self.says.items() if isinstance(one, Rotation) and one.successor.fingerprint == key]

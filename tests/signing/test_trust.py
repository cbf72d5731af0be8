"""Rotations, revocations, and who is believed when keys speak against each other."""

from __future__ import annotations

import pytest

from strongroom.core.digests import Digest
from strongroom.core.ids import BagId
from strongroom.core.seal import Previous
from strongroom.signing import PublicKey, Revocation, Rotation, Signed, Standing, Trust, judge, secret

SEAL = b"seal\n"


class Person:
    def __init__(self) -> None:
        self.signer, _ = secret.make(b"x", secret.Cost(32768, 1 << 20))
        self.key: PublicKey = self.signer.key

    def rotates_to(self, other: Person) -> Signed:
        return self._say(Rotation(self.key.fingerprint, other.key, "2026-11-22T00:00:00Z"))

    def revokes(self, other: Person, *holds: Signed, seals: tuple[bytes, ...] = ()) -> Signed:
        named = tuple(Previous(BagId("site", 1), Digest.of(seal)) for seal in seals)
        return self._say(Revocation(
            self.key.fingerprint, other.key.fingerprint, {}, named, tuple(one.digest for one in holds), "stolen", "2026-11-22T00:00:00Z"))

    def _say(self, statement: Rotation | Revocation) -> Signed:
        data = statement.to_bytes()
        return Signed(data, self.signer.sign(data))


@pytest.fixture
def people() -> list[Person]:
    return [Person() for _ in range(4)]


@pytest.mark.parametrize("trusted", [True, False])
def test_keys_of_one_id_are_all_tried(people: list[Person], trusted: bool) -> None:
    """Anybody can make a key of any id, and put it beside the true one."""
    true = people[0]
    others = [PublicKey(true.key.id, bytes([first]) + true.key.point[1:]) for first in range(0, 256, 5)]  # some sort before, some after
    others += [PublicKey(true.key.id, person.key.point) for person in people[1:]]
    others = [one for one in others if one != true.key]
    assert standing(Trust(frozenset([true.key, *others])), true) is Standing.TRUSTED
    assert standing(Trust(frozenset([true.key]), frozenset(others)), true) is Standing.TRUSTED
    assert standing(Trust(frozenset(others), frozenset([true.key])), true) is Standing.UNKNOWN_KEY
    assert standing(Trust(frozenset(others) if trusted else frozenset(), frozenset(others)), true) is Standing.BROKEN


def standing(trust: Trust, person: Person, message: bytes = SEAL) -> Standing:
    return judge(message, person.signer.sign(message), trust)


def trusting(*people: Person, said: tuple[Signed, ...] = ()) -> Trust:
    return Trust(frozenset(one.key for one in people), statements=said)


def test_the_five_standings(people: list[Person]) -> None:
    mine, stranger, *_ = people
    trust = trusting(mine)
    assert standing(trust, mine) is Standing.TRUSTED
    assert standing(trust, stranger) is Standing.UNKNOWN_KEY
    assert judge(SEAL, None, trust) is Standing.UNSIGNED
    assert judge(SEAL + b" ", mine.signer.sign(SEAL), trust) is Standing.BROKEN
    assert judge(SEAL, b"", trust) is Standing.BROKEN
    assert judge(SEAL + b" ", stranger.signer.sign(SEAL), trust.adding([stranger.key], [])) is Standing.BROKEN
    assert standing(trusting(mine, said=(mine.revokes(mine),)), mine) is Standing.REVOKED
    assert standing(trusting(mine, said=(mine.revokes(mine, seals=(SEAL,)),)), mine) is Standing.TRUSTED


def test_rotation_is_followed_and_a_forged_one_is_not(people: list[Person]) -> None:
    old, new, newest, thief = people
    said = (new.rotates_to(newest), old.rotates_to(new))
    assert standing(trusting(old, said=said), newest) is Standing.TRUSTED
    forged = Signed(old.rotates_to(thief).data, thief.rotates_to(thief).signature)
    assert standing(trusting(old, said=(forged,)), thief) is Standing.UNKNOWN_KEY


def test_a_rotation_after_the_theft_falls_with_the_revocation(people: list[Person]) -> None:
    old, new, thief, _ = people
    honest, theft = old.rotates_to(new), old.rotates_to(thief)
    assert standing(trusting(old, said=(honest, theft)), thief) is Standing.TRUSTED  # nobody knows yet
    said = (honest, theft, new.revokes(old, honest, seals=(SEAL,)))
    trust = trusting(old, new, said=said)
    assert standing(trust, thief) is Standing.UNKNOWN_KEY
    assert standing(trust, new) is Standing.TRUSTED
    assert standing(trust, old) is Standing.TRUSTED
    assert standing(trust, old, b"later") is Standing.REVOKED


def test_the_thief_cannot_widen_or_undo_a_revocation(people: list[Person]) -> None:
    stolen, mine, thief, _ = people
    theft = stolen.rotates_to(thief)
    said = (theft, mine.revokes(stolen), stolen.revokes(stolen, theft, seals=(SEAL,)), thief.revokes(mine), thief.revokes(stolen, theft))
    trust = trusting(stolen, mine, said=said)
    assert standing(trust, stolen) is Standing.REVOKED
    assert standing(trust, thief) is Standing.UNKNOWN_KEY
    assert standing(trust, mine) is Standing.TRUSTED


def test_two_keys_against_each_other_are_both_revoked(people: list[Person]) -> None:
    one, two, left, right = people
    trust = trusting(one, two, said=(one.revokes(two), two.revokes(one)))
    assert {standing(trust, one), standing(trust, two)} == {Standing.REVOKED}
    to_left, to_right = one.rotates_to(left), one.rotates_to(right)
    said = (to_left, to_right, left.revokes(one, to_left), right.revokes(one, to_right))
    assert standing(trusting(one, said=said), left) is Standing.UNKNOWN_KEY
    assert standing(trusting(one, said=said), right) is Standing.UNKNOWN_KEY
    assert standing(trusting(one, left, said=said), left) is Standing.TRUSTED  # a person decided
    assert standing(trusting(one, left, said=said), right) is Standing.UNKNOWN_KEY


def test_a_stranger_revokes_nothing(people: list[Person]) -> None:
    mine, stranger, *_ = people
    assert standing(trusting(mine, said=(stranger.revokes(mine),)), mine) is Standing.TRUSTED


def test_many_quarrelling_statements_end_soon_and_cautiously(people: list[Person]) -> None:
    crowd = [Person() for _ in range(12)]
    said = tuple(a.revokes(b) for a in crowd for b in crowd if a is not b)
    trust = trusting(*crowd, said=said)
    assert {standing(trust, one) for one in crowd} == {Standing.REVOKED}

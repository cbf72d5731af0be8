"""digests_of: hashlib's digests whatever computes them, and when that is asked."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.core.digests import HEX_LENGTH, hash_of
from strongroom.core.errors import InvalidValueError
from strongroom.hashing import digests_of, many
from strongroom.hashing.ipsec_mb import MultiBuffer
from strongroom.hashing.many import FEW, WORTH, Choice
from strongroom.hashing.trial import ALGORITHMS
from tests.hashing.fake import Library, honest

LENGTHS = st.lists(st.one_of(st.integers(0, 300), st.integers(0, 20_000), st.sampled_from([65533, 65534, 65535, 70_000])), max_size=300)


def expected(contents, algorithm):
    return [hash_of(algorithm)(one).digest() for one in contents]


def of_lengths(lengths, seed=1):
    data = hashlib.shake_128(b"%d" % seed).digest(70_100)
    return [memoryview(data)[length % 97 : length % 97 + length] for length in lengths]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lengths=LENGTHS, seed=st.integers(0, 1 << 32))
def test_equal_to_hashlib(chosen, lengths, seed):
    contents = of_lengths(lengths, seed)
    for algorithm in ALGORITHMS:
        assert digests_of(contents, algorithm) == expected(contents, algorithm)
    assert many.choice().lanes is chosen  # it was not given up


@pytest.mark.parametrize("algorithm", sorted(HEX_LENGTH))
def test_every_algorithm(chosen, algorithm):
    contents = of_lengths(range(0, 900, 30))
    assert digests_of(contents, algorithm) == expected(contents, algorithm)


def test_an_unknown_algorithm():
    with pytest.raises(InvalidValueError, match="crc32"):
        digests_of([b"a"], "crc32")


def counting():
    library = Library(0x20002)
    return library, Choice(MultiBuffer(library), frozenset({"sha256"}), "")


def test_it_is_used_where_it_is_quicker_alone(monkeypatch):
    library, choice = counting()
    monkeypatch.setattr(many, "_choice", choice)
    contents = of_lengths([10, 20, 0, 70_000] * 5)
    assert digests_of(contents, "sha512") == expected(contents, "sha512") and library.hashed == 0
    assert digests_of(contents[:4], "sha256") == expected(contents[:4], "sha256") and library.hashed == 0
    assert digests_of(contents, "sha256") == expected(contents, "sha256")
    assert library.hashed == 10  # neither what is empty nor what is too long


def test_the_rest_of_a_burst_is_not_worth_another(monkeypatch):
    library, choice = counting()
    monkeypatch.setattr(many, "_choice", choice)
    contents = of_lengths(range(1, 128 + FEW))
    assert digests_of(contents, "sha256") == expected(contents, "sha256")
    assert library.hashed == 128


def test_one_that_begins_to_lie_is_not_believed_again(monkeypatch):
    library, choice = counting()
    monkeypatch.setattr(many, "_choice", choice)
    contents = of_lengths(range(1, 60))
    assert digests_of(contents, "sha256") == expected(contents, "sha256")
    library.digest = lambda content, algorithm, lane: bytes(32)
    assert digests_of(contents, "sha256") == expected(contents, "sha256")
    assert many.choice().lanes is None and many.describe() == "hashlib (libIPSec_MB 2.0.2 gave a wrong digest)"
    before, library.digest = library.hashed, honest
    assert digests_of(contents, "sha256") == expected(contents, "sha256") and library.hashed == before


def test_one_that_stops_working_is_not_asked_again(monkeypatch):
    library, choice = counting()
    monkeypatch.setattr(many, "_choice", choice)
    contents = of_lengths(range(1, 60))
    library.short = 1
    assert digests_of(contents, "sha256") == expected(contents, "sha256")
    assert many.choice().lanes is None


def test_a_process_that_hashes_little_does_not_ask(monkeypatch):
    asked = []
    monkeypatch.setattr("strongroom.hashing.trial.choose", lambda: asked.append(1) or Choice(None, frozenset(), "a test"))
    contents = [bytes(1 << 20)] * FEW
    for _ in range(WORTH // (FEW << 20) - 1):
        digests_of(contents, "sha256")
    assert not asked
    digests_of(contents, "sha256")
    digests_of(contents, "sha256")
    assert asked == [1]


def test_it_can_be_switched_off(monkeypatch):
    monkeypatch.setenv("STRONGROOM_NO_ACCELERATOR", "1")
    monkeypatch.setattr("strongroom.hashing.trial.choose", lambda: pytest.fail("asked"))
    assert many.describe() == "hashlib (STRONGROOM_NO_ACCELERATOR is set)"


def test_what_is_used_is_said(chosen):
    assert many.describe() == f"hashlib; {chosen.name} for many sha256 and sha512"

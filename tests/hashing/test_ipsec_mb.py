"""The library by ctypes: which versions are taken, and that none is believed that does not give hashlib's digests."""

from __future__ import annotations

import ctypes
import gc
import hashlib
import os
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from strongroom.hashing import trial
from strongroom.hashing.ipsec_mb import MultiBuffer, load
from strongroom.hashing.many import LanesError
from strongroom.hashing.trial import ALGORITHMS, choose, prove
from tests.hashing.conftest import VERSIONS, real
from tests.hashing.fake import Library, honest


def wrong(condition):
    """Flips one bit of some digests."""
    def digest(content: bytes, algorithm: str, lane: int) -> bytes:
        right = honest(content, algorithm, lane)
        return right[:-1] + bytes([right[-1] ^ 1]) if condition(content, algorithm, lane) else right
    return digest


LIES = {
    "all": wrong(lambda content, algorithm, lane: True),
    "sha512": wrong(lambda content, algorithm, lane: algorithm == "sha512"),
    "one lane": wrong(lambda content, algorithm, lane: lane == 15),
    "padding": wrong(lambda content, algorithm, lane: algorithm == "sha256" and len(content) == 119),
    "two blocks of padding": wrong(lambda content, algorithm, lane: algorithm == "sha512" and len(content) == 240),
    "the longest": wrong(lambda content, algorithm, lane: len(content) == 65534),
    "nothing": lambda content, algorithm, lane: b"",
    "the other digest": lambda content, algorithm, lane: hashlib.new("sha384", content).digest()[:32],
}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_it_gives_the_digests_of_the_standard_and_of_hashlib(lanes, algorithm):
    prove(lanes, algorithm)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("lie", LIES)
def test_a_library_that_lies_is_refused(version, lie):
    library = Library(version, LIES[lie])
    found = choose(lambda: MultiBuffer(library))
    assert library.hashed
    assert found.lanes is None and not found.algorithms
    assert "wrong digests" in found.why or "FIPS" in found.why


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("trouble", [{"short": 1}, {"status": 4}, {"status": 0}])
def test_one_that_does_not_finish_is_refused(version, trouble):
    found = choose(lambda: MultiBuffer(Library(version, **trouble)))
    assert found.lanes is None and "did not do all" in found.why


@pytest.mark.parametrize(("version", "trouble", "why"), [
    (0x10200, {}, "1.2.0 is not a version that was tried"),
    (0x10500, {}, "1.5.0 is not a version that was tried"),
    (0x20100, {}, "2.1.0 is not a version that was tried"),
    (0x20002, {"size": 229_352}, "2.0.2 is not a version that was tried"),
    (0x10300, {"error": 2047}, "cannot be used with this processor"),
    (0x20000, {"error": 2047}, "cannot be used with this processor"),
    (0x20000, {"lacks": "submit_hash_burst"}, "no such function"),
    (0x10300, {"lacks": "flush_burst"}, "no such function"),
])
def test_one_that_is_not_known_is_not_called(version, trouble, why):
    library = Library(version, **trouble)
    found = choose(lambda: MultiBuffer(library))
    assert found.lanes is None and why in found.why
    assert not library.hashed


def test_one_that_is_something_else_is_not_called():
    found = choose(lambda: load(lambda name: ctypes.CDLL(None)))
    assert found.lanes is None and "lacks a function" in found.why


def test_none_is_installed():
    def absent(name: str) -> ctypes.CDLL:
        raise OSError(f"{name}: cannot open shared object file: No such file or directory")

    found = choose(lambda: load(absent))
    assert found.lanes is None and found.why == "libIPSec_MB is not installed"


def test_an_unknown_version_beside_a_known_one():
    libraries = {"libIPSec_MB.so.2": Library(0x20100), "libIPSec_MB.so.1": Library(0x10300)}
    assert load(libraries.__getitem__).name == "libIPSec_MB 1.3.0"


@pytest.mark.parametrize(("seconds", "algorithms"), [
    ((1.0, 1.0), set()), ((1.0, 0.9), set()), ((1.2, 1.0), {"sha256", "sha512"}), ((1.0, 0.3), {"sha256", "sha512"}),
])
def test_it_is_used_where_it_is_clearly_quicker(monkeypatch, seconds, algorithms):
    """The clock is played: hashlib's rounds, then the others', for each algorithm. One round may be disturbed."""
    clock = iter([time for _ in ALGORITHMS for one in seconds for time in (one + 5, one, one + 1)])
    monkeypatch.setattr(trial, "_seconds", lambda work: work() and next(clock))
    found = choose(lambda: MultiBuffer(Library(0x20002)))
    assert found.lanes is not None and found.algorithms == algorithms and next(clock, None) is None
    assert found.why == ("" if algorithms else "libIPSec_MB 2.0.2 is no quicker here")


@pytest.mark.parametrize("machine", ["aarch64", "riscv64"])
def test_another_processor(monkeypatch, machine):
    names = list(os.uname())
    monkeypatch.setattr(os, "uname", lambda: os.uname_result([*names[:4], machine]))
    with pytest.raises(LanesError, match="x86-64"):
        load(lambda name: pytest.fail("loaded"))


@pytest.mark.parametrize("contents", [[], [b""], [b"a", b""], [bytes(65535)], [b"a"] * 129])
def test_what_it_cannot_take_is_not_handed_over(lanes, contents):
    with pytest.raises(ValueError, match="than this takes"):
        lanes.digests(contents, "sha256")


def test_whatever_holds_the_bytes(lanes):
    data = os.urandom(3000)
    contents = [data, bytearray(data), memoryview(data)[5:2000], memoryview(bytearray(data))[7:8]]
    for algorithm in ALGORITHMS:
        assert lanes.digests(contents, algorithm) == [hashlib.new(algorithm, one).digest() for one in contents]


def test_the_queue_goes_round(lanes):
    """Bursts of odd sizes: some do not fit before the end of a queue of 256."""
    contents = [bytes([number]) * (number + 1) for number in range(128)]
    for size in (128, 5, 100, 127, 1, 64, 128, 128, 77):
        for algorithm in ALGORITHMS:
            assert lanes.digests(contents[:size], algorithm) == [hashlib.new(algorithm, one).digest() for one in contents[:size]]


def test_each_thread_has_its_own():
    lanes = real()

    def work(seed: int) -> bool:
        rng = random.Random(seed)
        for _ in range(20):
            contents = [rng.randbytes(rng.randrange(1, 5000)) for _ in range(rng.randrange(1, 129))]
            algorithm = rng.choice(ALGORITHMS)
            if lanes.digests(contents, algorithm) != [hashlib.new(algorithm, one).digest() for one in contents]:
                return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(8)))


def test_memory_is_given_back():
    library = Library(0x20002)
    lanes = MultiBuffer(library)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lanes.digests, [b"a"], "sha256").result()
        assert not library.freed
    gc.collect()
    assert library.freed == 1

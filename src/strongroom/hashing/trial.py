"""Whether what hashes side by side gives hashlib's digests, and whether it is quicker."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from strongroom.core.digests import hash_of
from strongroom.hashing.ipsec_mb import load
from strongroom.hashing.many import Choice, Lanes, LanesError, side_by_side

ALGORITHMS: Final = ("sha256", "sha512")

#: Of the examples that FIPS 180-4 names.
_MESSAGES: Final = (b"abc", b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
VECTORS: Final = {
    "sha256": """
        ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
        248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1""",
    "sha512": """
        ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f
        204a8fc6dda82f0a0ced7beb8e08a41657c16ef468b228a8279be331a703c33596fd15c13b1b07f9aa1d3bea57789ca031ad85c7a71dd70354ec631238ca3445""",
}
_QUICKER: Final = 1.2  # what gains less is not worth another way; a core that two threads share gives less than it seems
_TIMED: Final = [bytes(1024 * (1 + number % 8)) for number in range(64)]  # as small files are
_ROUNDS: Final = 3


def choose(open_lanes: Callable[[], Lanes] = load) -> Choice:
    """What to hash with in this process. Takes some milliseconds; raises nothing."""
    try:
        lanes = open_lanes()
        for algorithm in ALGORITHMS:
            prove(lanes, algorithm)
        quicker = frozenset(algorithm for algorithm in ALGORITHMS if _is_quicker(lanes, algorithm))
    except LanesError as error:
        return Choice(None, frozenset(), str(error))
    return Choice(lanes, quicker, "" if quicker else f"{lanes.name} is no quicker here")


def prove(lanes: Lanes, algorithm: str) -> None:
    """Compare with the standard's examples and with hashlib: every length around the ends of blocks, in bursts of every size, long beside
    short in every lane. Raises LanesError at the first difference."""
    for message, vector in zip(_MESSAGES, VECTORS[algorithm].split(), strict=True):
        if lanes.digests([message] * 17, algorithm) != [bytes.fromhex(vector)] * 17:
            raise LanesError(f"{lanes.name} does not give the {algorithm} of an example in FIPS 180-4")
    digest = hash_of(algorithm)
    for contents in _bursts(lanes):
        if lanes.digests(contents, algorithm) != [digest(content).digest() for content in contents]:
            raise LanesError(f"{lanes.name} gives wrong digests ({algorithm})")


def _bursts(lanes: Lanes) -> Iterator[Sequence[bytes]]:
    data = hashlib.shake_128(b"strongroom").digest(lanes.longest + 300)
    edges = [length + by for length in (512, 1024, 2048, 4096, 8192) for by in (-9, -1, 0, 1)]
    lengths = [*range(lanes.shortest, 301), *edges, lanes.longest]
    lengths.sort(key=lambda length: length * 0x9E3779B1 & 0xFFFFFFFF)  # any mixture, the same each time
    contents = [data[length % 299 : length % 299 + length] for length in lengths]
    first, size = 0, 1
    while first < len(contents):  # 1, 2, 3 … contents at a time, and then all that it takes
        yield contents[first : first + size]
        first, size = first + size, min(size + 1, lanes.burst)
    for first in range(0, len(contents), lanes.burst):
        yield contents[first : first + lanes.burst]


def _is_quicker(lanes: Lanes, algorithm: str) -> bool:
    digest = hash_of(algorithm)
    one = min(_seconds(lambda: [digest(content).digest() for content in _TIMED]) for _ in range(_ROUNDS))
    many = min(_seconds(lambda: side_by_side(lanes, _TIMED, algorithm)) for _ in range(_ROUNDS))
    return many * _QUICKER <= one


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began

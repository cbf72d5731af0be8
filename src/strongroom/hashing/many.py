"""Hashing many contents side by side where that is quicker, and with hashlib everywhere else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final, Protocol

from strongroom.core.digests import hash_of

Content = bytes | bytearray | memoryview

#: Fewer contents than this are not worth filling the lanes of a processor with: 16 for SHA-256 at most, 8 for SHA-512.
FEW: Final = 8
#: Bytes that a process hashes before it asks what is quickest: finding out takes 20 ms, as hashing 10 to 30 MiB does.
WORTH: Final = 32 * 1024**2


class Lanes(Protocol):
    """What hashes some contents side by side."""

    @property
    def name(self) -> str: ...  # with its version
    @property
    def shortest(self) -> int: ...  # bytes of a content that it takes
    @property
    def longest(self) -> int: ...
    @property
    def burst(self) -> int: ...  # contents at a time, at most

    def digests(self, contents: Sequence[Content], algorithm: str) -> list[bytes]:
        """The digests of at most `burst` contents of admissible lengths, in their order. Raises LanesError if it did not do it."""


class LanesError(Exception):
    """What hashes side by side cannot be used here, or no longer."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What this process hashes many contents with."""

    lanes: Lanes | None  # None: with hashlib
    algorithms: frozenset[str]  # for which `lanes` is quicker
    why: str  # for people: why it is hashlib for all


_choice: Choice | None = None
_hashed = 0  # bytes, before there was a choice
_lock: Final = Lock()


def digests_of(contents: Sequence[Content], algorithm: str) -> list[bytes]:
    """The digest of each content, in their order. `algorithm` as in core.digests; raises InvalidValueError for an unknown one."""
    if len(contents) >= FEW and (lanes := _lanes(contents, algorithm)) is not None:
        try:
            return side_by_side(lanes, contents, algorithm)
        except LanesError as error:
            _give_up(str(error))
    digest = hash_of(algorithm)
    return [digest(content).digest() for content in contents]


def choice() -> Choice:
    """What is used from now on: found out once a process."""
    global _choice  # noqa: PLW0603  the one thing a process remembers
    with _lock:
        if _choice is None:
            if os.environ.get("STRONGROOM_NO_ACCELERATOR"):
                _choice = Choice(None, frozenset(), "STRONGROOM_NO_ACCELERATOR is set")
            else:
                from strongroom.hashing.trial import choose  # noqa: PLC0415  ctypes is not for those who hash little

                _choice = choose()
        return _choice


def describe() -> str:
    """For people, as "hashlib; libIPSec_MB 2.0.2 for many sha512"."""
    used = choice()
    if used.lanes is None or not used.algorithms:
        return f"hashlib ({used.why})"
    return f"hashlib; {used.lanes.name} for many {' and '.join(sorted(used.algorithms))}"


def _lanes(contents: Sequence[Content], algorithm: str) -> Lanes | None:
    global _hashed  # noqa: PLW0603
    used = _choice
    if used is None:
        _hashed += sum(map(len, contents))
        if _hashed < WORTH:
            return None
        used = choice()
    return used.lanes if algorithm in used.algorithms else None


def _give_up(why: str) -> None:
    """Hash with hashlib for the rest of this process: what gave no answer once, or a wrong one, is not asked again."""
    global _choice  # noqa: PLW0603
    with _lock:
        _choice = Choice(None, frozenset(), why)


def side_by_side(lanes: Lanes, contents: Sequence[Content], algorithm: str) -> list[bytes]:
    """What digests_of gives, by `lanes`. Contents of like length at a time, so that no lane waits long for another.

    Of each burst one digest is computed a second time by hashlib: arithmetic that goes wrong later than the trial is noticed before many
    digests were believed. Raises LanesError then."""
    digest = hash_of(algorithm)
    lengths = list(map(len, contents))
    order = sorted(range(len(contents)), key=lengths.__getitem__)
    found = [b""] * len(contents)
    fit = [number for number in order if lanes.shortest <= lengths[number] <= lanes.longest]
    for first in range(0, len(fit), lanes.burst):
        numbers = fit[first : first + lanes.burst]
        if len(numbers) < FEW:
            break
        some = [contents[number] for number in numbers]
        digests = lanes.digests(some, algorithm)
        probe = lengths[numbers[0]] % len(numbers)  # any will do, if it is not always the same lane's
        if len(digests) != len(some) or digests[probe] != digest(some[probe]).digest():
            raise LanesError(f"{lanes.name} gave a wrong digest")
        for number, one in zip(numbers, digests, strict=True):
            found[number] = one
    return [one or digest(content).digest() for one, content in zip(found, contents, strict=True)]

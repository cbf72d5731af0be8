"""Repair beside, not over; read the generation that holds. Against every store."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from strongroom.core import canonical
from strongroom.core.digests import Digest
from strongroom.core.errors import (
    ColdInStoreError,
    DamagedInStoreError,
    GenerationsDifferError,
    InvalidValueError,
    NotFoundInStoreError,
    StoreUnreachableError,
)
from strongroom.core.keys import DESCRIPTION, StoreKey
from strongroom.stores.file import FileStore
from strongroom.stores.generations import (
    answers,
    find_generation,
    generations,
    holds,
    newest_parsable,
    open_verified,
    parsable,
    put_or_generation,
    put_stream_or_generation,
    read_all,
    read_verified,
)
from strongroom.stores.interface import Reader, Stat, Store
from strongroom.stores.memory import MemoryStore
from strongroom.stores.reader import BoundedReader
from tests.stores.helpers import names, pattern, put, read

KEY = StoreKey("packs/ab/x.tar")
GOOD = pattern(5_000)
BAD = GOOD[:-1] + b"?"
DIGEST = Digest.of(GOOD)


def test_a_fresh_key_and_equal_bytes(store: Store) -> None:
    for _ in range(2):
        assert put_or_generation(store, KEY, GOOD, DIGEST) == KEY
        assert put_stream_or_generation(store, KEY, lambda: io.BytesIO(GOOD), len(GOOD), DIGEST) == KEY
    assert names(store) == [KEY.text]


@pytest.mark.parametrize("damage", [BAD, GOOD[:-1], GOOD + b"x", b""])
def test_a_damaged_key_is_answered_with_the_next_generation(store: Store, damage: bytes) -> None:
    put(store, KEY.text, damage)
    put(store, KEY.text + ".pieces", b"another key with the same beginning")
    assert put_or_generation(store, KEY, GOOD, DIGEST) == KEY.generation(1)
    assert put_stream_or_generation(store, KEY, lambda: io.BytesIO(GOOD), len(GOOD), DIGEST) == KEY.generation(1)
    assert read(store, KEY) == damage
    assert generations(store, KEY) == [KEY.generation(1), KEY]
    assert read_verified(store, KEY, DIGEST, 10_000) == GOOD
    assert find_generation(store, KEY, DIGEST) == KEY.generation(1)
    assert not holds(store, KEY, DIGEST)


def test_generations_are_counted_not_spelled(store: Store) -> None:
    for number in range(11):
        put(store, KEY.generation(number).text, b"%d" % number)
    assert put_or_generation(store, KEY, GOOD, DIGEST) == KEY.generation(11)
    assert [key.base[1] for key in generations(store, KEY)] == list(range(11, -1, -1))
    assert read_verified(store, KEY, DIGEST, 10_000) == GOOD


def test_damaged_and_missing_are_told_apart(store: Store) -> None:
    for read_it in (lambda: read_verified(store, KEY, DIGEST, 10_000), lambda: find_generation(store, KEY, DIGEST)):
        with pytest.raises(NotFoundInStoreError):
            read_it()
    put(store, KEY.text, BAD)
    put(store, KEY.generation(2).text, BAD)
    for read_it in (lambda: read_verified(store, KEY, DIGEST, 10_000), lambda: find_generation(store, KEY, DIGEST)):
        with pytest.raises(DamagedInStoreError, match=r"x\.tar.*x\.tar~2"):
            read_it()


def test_limits(store: Store) -> None:
    put(store, KEY.text, GOOD)
    assert read_all(store, KEY, len(GOOD)) == GOOD
    with pytest.raises(DamagedInStoreError, match="more than 4999"):
        read_all(store, KEY, len(GOOD) - 1)
    with pytest.raises(DamagedInStoreError):
        read_verified(store, KEY, DIGEST, len(GOOD) - 1)


def test_verified_stream(store: Store) -> None:
    put(store, KEY.text, GOOD)
    put(store, KEY.generation(1).text, BAD)
    with open_verified(store, KEY, DIGEST) as stream:
        assert stream.read() == GOOD
    with open_verified(store, KEY.generation(1), DIGEST) as stream, pytest.raises(DamagedInStoreError, match="~1"):
        stream.read()
    with open_verified(store, KEY.generation(1), DIGEST) as stream:
        assert stream.read(10) == BAD[:10]  # closed early: nothing claimed


def _number(data: bytes) -> int:
    value = canonical.loads(data, what="test")
    if not isinstance(value, int):
        raise InvalidValueError("not a number")
    return value


def test_newest_that_parses(store: Store) -> None:
    with pytest.raises(NotFoundInStoreError):
        newest_parsable(store, KEY, _number, 100)
    put(store, KEY.text, b"{damaged")
    assert parsable(store, KEY, _number, 100) == []
    with pytest.raises(DamagedInStoreError, match="every generation"):
        newest_parsable(store, KEY, _number, 100)
    put(store, KEY.generation(1).text, b"7\n")
    put(store, KEY.generation(2).text, b"7" * 200)
    assert newest_parsable(store, KEY, _number, 100) == 7
    put(store, KEY.generation(3).text, b" 7\n")
    assert newest_parsable(store, KEY, _number, 100) == 7
    put(store, KEY.generation(4).text, b"8\n")
    with pytest.raises(GenerationsDifferError, match=r"~4 and .*~3"):
        newest_parsable(store, KEY, _number, 100)
    assert [value for _, value in parsable(store, KEY, _number, 100)] == [8, 7, 7]


class Flaky(MemoryStore):
    """Gives wrong bytes, or an error, for the first reads of a key."""

    def __init__(self, wrong: int = 0, unreadable: str = "") -> None:
        super().__init__()
        self.wrong = wrong
        self.unreadable = unreadable

    def get(self, key: StoreKey, start: int = 0, length: int | None = None, *, uncached: bool = False) -> Reader:
        if key.text == self.unreadable:
            raise StoreUnreachableError("EIO")
        if self.wrong:
            self.wrong -= 1
            return BoundedReader(io.BytesIO(BAD), len(BAD), "flaky")
        return super().get(key, start, length, uncached=uncached)


def test_bytes_hurt_once_on_the_way_are_read_again() -> None:
    calls: list[Callable[[Store], bool]] = [
        lambda s: read_verified(s, KEY, DIGEST, 10_000) == GOOD, lambda s: find_generation(s, KEY, DIGEST) == KEY,
        lambda s: put_or_generation(s, KEY, GOOD, DIGEST) == KEY,
    ]
    for read_it in calls:
        store = Flaky(wrong=1)
        put(store, KEY.text, GOOD)
        assert read_it(store)
        assert names(store) == [KEY.text]


def test_an_unreadable_generation_is_not_a_missing_one() -> None:
    store = Flaky(unreadable=KEY.text)
    put(store, KEY.text, GOOD)
    put(store, KEY.generation(1).text, BAD)
    with pytest.raises(StoreUnreachableError):
        read_verified(store, KEY, DIGEST, 10_000)
    put(store, KEY.generation(2).text, GOOD)
    assert read_verified(store, KEY, DIGEST, 10_000) == GOOD


def test_bits_flipped_on_the_disk(tmp_path: Path) -> None:
    store = FileStore(str(tmp_path))
    put(store, KEY.text, GOOD)
    path = tmp_path / KEY.text
    for position in (0, 2_500, 4_999):
        damaged = bytearray(GOOD)
        damaged[position] ^= 1
        path.chmod(0o644)
        path.write_bytes(damaged)
        with pytest.raises(DamagedInStoreError):
            read_verified(store, KEY, DIGEST, 10_000)
    assert put_or_generation(store, KEY, GOOD, DIGEST) == KEY.generation(1)
    assert read_verified(store, KEY, DIGEST, 10_000) == GOOD


def test_a_store_answers_if_it_is_one_and_can_be_asked(tmp_path: Path) -> None:
    """What an object that cannot be read says of its store: nothing."""
    store = Flaky(unreadable=KEY.text)
    assert not answers(store)  # an empty folder where a disk was mounted
    put(store, DESCRIPTION.text, b"{}")
    assert answers(store)

    class Silent(MemoryStore):
        def head(self, key: StoreKey) -> Stat:
            raise StoreUnreachableError("no answer")

    assert not answers(Silent())


class ColdStore(MemoryStore):
    """Whose objects can be asked about, as S3 answers, and not read."""

    def head(self, key: StoreKey) -> Stat:
        with super().get(key) as reader:
            data = reader.read()
        return Stat(key, len(data), Digest.of(data))

    def get(self, key: StoreKey, start: int = 0, length: int | None = None, *, uncached: bool = False) -> Reader:
        raise ColdInStoreError(f"{key} lies in a cold storage class")


def test_of_a_cold_object_the_stores_own_checksum_counts_only_where_that_is_asked_for() -> None:
    store = ColdStore()
    put(store, KEY.text, b"bytes")
    assert holds(store, KEY, Digest.of(b"bytes"), as_stated=True)
    assert not holds(store, KEY, Digest.of(b"other bytes"), as_stated=True)
    with pytest.raises(ColdInStoreError):
        holds(store, KEY, Digest.of(b"bytes"))

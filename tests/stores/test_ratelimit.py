"""A store that is read and written no faster than it should be. That it is a store is shown by the conformance suite."""

from __future__ import annotations

import copy
import pickle
import threading
import time
from pathlib import Path

import pytest

from strongroom.core.keys import StoreKey
from strongroom.stores.file import FileStore
from strongroom.stores.open import StoreOptions, open_store
from strongroom.stores.ratelimit import Bucket, RateLimitedStore
from tests.stores.helpers import pattern, put, put_stream, read


class Clock:
    """A clock that only sleeping moves on."""

    def __init__(self) -> None:
        self.now = 100.0

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_each_byte_takes_its_time_and_idleness_is_made_up_for_by_a_second_at_most() -> None:
    clock = Clock()
    bucket = Bucket(1000, clock.time, clock.sleep)
    for _ in range(10):
        bucket.pay(500)
    assert clock.now == pytest.approx(105)
    clock.now += 60
    bucket.pay(1000)
    assert clock.now == pytest.approx(165)
    bucket.pay(1000)
    assert clock.now == pytest.approx(166)
    bucket.pay(0)
    assert clock.now == pytest.approx(166)


@pytest.fixture
def paced(tmp_path: Path) -> tuple[RateLimitedStore, Clock]:
    clock = Clock()
    return RateLimitedStore(FileStore(str(tmp_path)), 1_000_000, Bucket(1_000_000, clock.time, clock.sleep)), clock


def test_writing_and_reading_are_both_paid_and_looking_is_not(paced: tuple[RateLimitedStore, Clock]) -> None:
    store, clock = paced
    data = pattern(2_500_000)
    put(store, "a", data)
    assert clock.now == pytest.approx(102.5)
    put_stream(store, "b", data)
    assert clock.now == pytest.approx(105)
    assert read(store, "a") == data
    assert clock.now == pytest.approx(107.5)
    assert read(store, "b", 1_000_000, 500_000) == data[1_000_000:1_500_000]
    with store.get(StoreKey("a")) as reader:
        assert reader.readinto(bytearray(500_000)) == 500_000
    assert clock.now == pytest.approx(108.5)
    assert [stat.size for stat in store.list()] == [2_500_000, 2_500_000] and store.head(StoreKey("a")).size == 2_500_000
    assert clock.now == pytest.approx(108.5)


def test_copies_in_one_process_and_threads_share_one_rate(tmp_path: Path) -> None:
    """Half a megabyte at 1 MB a second, beginning when the store is opened, since idleness may be made up for."""
    began = time.monotonic()
    store = open_store(str(tmp_path), StoreOptions(rate_limit=1_000_000))
    put(store, "a", bytes(100_000))
    copies = [pickle.loads(pickle.dumps(store)), copy.deepcopy(store), store, store]
    threads = [threading.Thread(target=read, args=(one, "a")) for one in copies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began > 0.48
    assert type(open_store(str(tmp_path))) is FileStore

"""The retrying wrapper, over a store that fails as told."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO

import pytest

from strongroom.core.digests import Digest
from strongroom.core.errors import KeyExistsError, StoreRefusedError, StoreUnreachableError
from strongroom.core.keys import StoreKey
from strongroom.stores.interface import Reader, Stat
from strongroom.stores.memory import MemoryStore
from strongroom.stores.reader import BoundedReader
from strongroom.stores.retry import RetryingStore, RetryPolicy
from tests.stores.helpers import Trickle, names, pattern, put, read

KEY = StoreKey("a/b")


class Unreliable(MemoryStore):
    """Fails `failures` times with `error`, before or (a lost reply) after doing the work. Streams and lists break in the middle."""

    def __init__(self, failures: int, error: type[StoreUnreachableError] = StoreUnreachableError, after: bool = False) -> None:
        super().__init__()
        self.failures, self.error, self.after, self.calls = failures, error, after, 0

    def _fail(self) -> None:
        self.calls += 1
        if self.failures:
            self.failures -= 1
            raise self.error("no answer")

    def put(self, key: StoreKey, data: bytes | bytearray | memoryview, *, sha256: Digest) -> None:
        if self.after:
            super().put(key, data, sha256=sha256)
        self._fail()
        if not self.after:
            super().put(key, data, sha256=sha256)

    def put_stream(self, key: StoreKey, source: IO[bytes], length: int, *, sha256: Digest) -> None:
        if self.failures:
            source.read(100)
            self._fail()
        super().put_stream(key, source, length, sha256=sha256)

    def get(self, key: StoreKey, start: int = 0, length: int | None = None, *, uncached: bool = False) -> Reader:
        whole = super().get(key, start, length)
        if self.failures:
            self.failures -= 1
            data = whole.read(1000)
            return BoundedReader(io.BytesIO(data), len(data) + 1, "broken")
        return whole

    def list(self, prefix: str = "") -> Iterator[Stat]:
        for number, stat in enumerate(super().list(prefix)):
            if number == 3 and self.failures:
                self._fail()
            yield stat


def _wrapped(store: MemoryStore, pauses: list[float], total: float = 60) -> RetryingStore:
    return RetryingStore(store, RetryPolicy(total=total, sleep=pauses.append))


def test_pauses_grow_and_their_sum_is_bounded() -> None:
    pauses: list[float] = []
    store = Unreliable(10**9)
    with pytest.raises(StoreUnreachableError):
        put(_wrapped(store, pauses), "a")
    assert sum(pauses) == pytest.approx(60)
    assert 0.25 <= pauses[0] <= 0.5
    assert max(pauses) <= 15
    assert store.calls == len(pauses) + 1


def test_a_put_that_succeeds_at_last() -> None:
    pauses: list[float] = []
    store = Unreliable(3)
    put(_wrapped(store, pauses), "a/b", b"data")
    assert len(pauses) == 3
    assert read(store, "a/b") == b"data"


def test_a_lost_reply_becomes_key_exists() -> None:
    store = Unreliable(1, after=True)
    with pytest.raises(KeyExistsError):
        put(_wrapped(store, []), "a/b", b"data")
    assert read(store, "a/b") == b"data"


def test_a_refusal_is_final() -> None:
    pauses: list[float] = []
    with pytest.raises(StoreRefusedError):
        put(_wrapped(Unreliable(5, StoreRefusedError), pauses), "a")
    assert pauses == []


def test_streams_are_wound_back() -> None:
    data = pattern(50_000)
    store = Unreliable(2)
    source = io.BytesIO(b"skip" + data)
    source.seek(4)
    _wrapped(store, []).put_stream(KEY, source, len(data), sha256=Digest.of(data))
    assert read(store, KEY) == data
    with pytest.raises(StoreUnreachableError):  # a pipe cannot be wound back
        _wrapped(Unreliable(1), []).put_stream(KEY, Trickle(data), len(data), sha256=Digest.of(data))  # type: ignore[arg-type]


@pytest.mark.parametrize(("start", "length"), [(0, None), (10, None), (10, 20_000)])
def test_broken_downloads_go_on_where_they_stopped(start: int, length: int | None) -> None:
    data = pattern(30_000)
    store = Unreliable(0)
    put(store, "a/b", data)
    store.failures = 4
    wanted = data[start:] if length is None else data[start : start + length]
    assert read(_wrapped(store, []), KEY, start, length) == wanted
    assert store.failures == 0
    store.failures = 4
    buffer = bytearray(len(wanted) + 5)
    with _wrapped(store, []).get(KEY, start, length) as reader:
        assert reader.readinto(buffer) == len(wanted)
    assert bytes(buffer[: len(wanted)]) == wanted


def test_broken_lists_go_on_where_they_stopped() -> None:
    store = Unreliable(0)
    for n in range(9):
        put(store, f"k/{n}")
    store.failures = 2
    assert names(_wrapped(store, [])) == [f"k/{n}" for n in range(9)]
    store.failures = 10**6
    with pytest.raises(StoreUnreachableError):
        names(_wrapped(store, []))

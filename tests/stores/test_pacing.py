"""A server that says that it is asked too often."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from strongroom.core.digests import Digest
from strongroom.core.errors import SlowDownError, StoreUnreachableError
from strongroom.core.keys import StoreKey
from strongroom.stores import s3_errors
from strongroom.stores.memory import MemoryStore
from strongroom.stores.open import StoreOptions, open_store
from strongroom.stores.pacing import Pace, PacedStore, pace_of
from strongroom.stores.retry import RetryingStore, RetryPolicy
from tests.faults.s3.actions import answer, request
from tests.faults.s3.proxy import Fault, Proxy
from tests.fixtures.seaweedfs import S3Server


class Clock:
    """Time passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds


class Busy(MemoryStore):
    """Takes `rate` requests a second by `clock`, and refuses the others."""

    def __init__(self, clock: Clock, rate: int) -> None:
        super().__init__()
        self.clock, self.rate, self.taken, self.refused = clock, rate, dict[int, int](), 0

    def put(self, key: StoreKey, data: bytes | bytearray | memoryview, *, sha256: Digest) -> None:
        second = int(self.clock())
        if self.taken.get(second, 0) >= self.rate:
            self.refused += 1
            raise SlowDownError("too many requests")
        self.taken[second] = self.taken.get(second, 0) + 1
        super().put(key, data, sha256=sha256)


def run(store: Busy, wrapped: object, count: int) -> None:
    for number in range(count):
        RetryingStore(wrapped, RetryPolicy(total=1e9, sleep=store.clock.sleep, clock=store.clock)).put(  # type: ignore[arg-type]
            StoreKey(f"packs/{number}"), b"x", sha256=Digest.of(b"x"))


def test_it_is_asked_no_faster_than_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    store, pace = Busy(clock, 20), Pace(clock, clock.sleep)
    monkeypatch.setattr("strongroom.stores.pacing.pace_of", lambda *_: pace)
    run(store, PacedStore(store), 1000)
    paced = store.refused
    assert len(list(store.list())) == 1000
    clock = Clock()
    store = Busy(clock, 20)
    run(store, store, 1000)  # with nothing but retries
    assert paced < store.refused


def test_the_pace_falls_with_refusals_and_quickens_with_answers() -> None:
    clock = Clock()
    pace = Pace(clock, clock.sleep)
    pace.wait()
    assert clock.now == 0 and pace.gap == 0
    for _ in range(5):
        pace.refused()  # together: once
    assert pace.gap == pytest.approx(0.01)
    for _ in range(20):
        clock.now += 1
        pace.refused()
    assert pace.gap == 2.0
    for _ in range(3):
        pace.wait()
    assert clock.now == pytest.approx(24.0)
    for _ in range(200):
        pace.answered()
    assert pace.gap == 0


def test_top_folders_have_their_own_pace_and_copies_share_it() -> None:
    url = f"s3://bucket/{secrets.token_hex(4)}"
    assert pace_of(url, "packs") is pace_of(url, "packs") is not pace_of(url, "content")


@pytest.mark.parametrize(("code", "status"), [("SlowDown", 503), ("ServiceUnavailable", 503), ("", 429), ("RequestLimitExceeded", 400)])
def test_what_counts_as_too_often(code: str, status: int) -> None:
    error = s3_errors.error_for("s3://b", code, status, "", "7")
    assert isinstance(error, SlowDownError) and error.after == 7
    assert s3_errors.error_for("s3://b", code, status, "", "Fri, 21 Dec 2040 00:00:00 GMT").after == 0  # type: ignore[attr-defined]


def test_a_server_that_says_how_long_is_left_alone_so_long() -> None:
    pauses: list[float] = []
    store = MemoryStore()
    left = [SlowDownError("busy", 9.0), SlowDownError("busy", 1000.0)]

    class Refusing(PacedStore):
        def head(self, key: StoreKey):  # type: ignore[no-untyped-def]
            if left:
                raise left.pop(0)
            return super().head(key)

    store.put(StoreKey("a"), b"x", sha256=Digest.of(b"x"))
    RetryingStore(Refusing(store), RetryPolicy(sleep=pauses.append)).head(StoreKey("a"))
    assert pauses == [9.0, 15.0]  # never longer than our own longest pause


@pytest.mark.s3
def test_a_storm_of_refusals_is_got_through(s3_server: S3Server, s3_bucket: Callable[[], str]) -> None:
    """Behind a proxy that refuses 30 requests: everything is there once, the refusals were seen, and the pace is forgotten again."""
    proxy, url = Proxy(s3_server.endpoint), s3_bucket()
    store = open_store(url, StoreOptions(endpoint_url=proxy.endpoint, retry_seconds=300))
    datas = {StoreKey(f"packs/{number:02}"): b"%d" % number * 100 for number in range(12)}
    fault = Fault(answer(503, "SlowDown", headers=(("Retry-After", "1"),)), request("PUT"), times=30)
    try:
        with proxy.doing(fault), ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda item: store.put(item[0], item[1], sha256=Digest.of(item[1])), datas.items()))
        assert fault.done == 30
        assert {stat.key for stat in store.list()} == set(datas)
        for key, data in datas.items():
            with store.get(key) as reader:
                assert reader.read() == data
        with proxy.doing(Fault(answer(503, "SlowDown"), request("PUT"), times=10**9)), pytest.raises(StoreUnreachableError):
            open_store(url, StoreOptions(endpoint_url=proxy.endpoint, retry_seconds=0.5)).put(StoreKey("a"), b"x", sha256=Digest.of(b"x"))
    finally:
        proxy.close()

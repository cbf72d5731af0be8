"""Every fault at every kind of call of a store in a bucket, in the clear and over TLS."""

from __future__ import annotations

import io
import os
import secrets
import time
from collections.abc import Callable
from random import Random

import boto3
import pytest
from botocore.exceptions import ClientError

from strongroom.core.digests import Digest
from strongroom.core.errors import (
    ChecksumRefusedError,
    KeyExistsError,
    NotFoundInStoreError,
    StoreRefusedError,
    StoreUnreachableError,
    WrongStoreError,
)
from strongroom.core.keys import StoreKey
from strongroom.stores.generations import put_or_generation, put_stream_or_generation, read_verified
from strongroom.stores.open import StoreOptions, open_store, parse_url
from strongroom.stores.retry import RetryingStore, RetryPolicy
from strongroom.stores.s3 import S3Settings, S3Store
from strongroom.usecases.tidying import tidy
from tests.faults.s3 import actions
from tests.faults.s3.proxy import Action, Fault, Proxy
from tests.fixtures.seaweedfs import S3Server

pytestmark = pytest.mark.s3

KEY = StoreKey("content/ab/object")
MIB = 2**20
RANDOM = Random(4)
LOST = {
    "reset in the request": actions.reset_request(0.5), "reset before the body": actions.reset_request(0.0),
    "lost reply": actions.lose_reply, "stalled reply": actions.stall_reply,
    "503 with Retry-After": actions.answer(503, "SlowDown", headers=(("Retry-After", "1"),)), "500": actions.answer(500, "InternalError"),
    "500 after it took effect": actions.error_after(500, "InternalError"), "stalled request": actions.stall_request,
    "another writer at this moment": actions.answer(409, "ConditionalRequestConflict"),
}
SHORT = {
    "cut with length": actions.truncate_reply(0.5), "cut without length": actions.truncate_reply(0.5, with_length=False),
    "reset in the reply": actions.truncate_reply(0.3, abruptly=True), "no length": actions.truncate_reply(1.0, with_length=False),
    "stalled reply": actions.stall_reply, "503": actions.answer(503, "SlowDown"),
}


def store_at(
    url: str, *, in_parts: bool = False, seconds: float = 300.0, silence: float = 60.0, sleep: Callable[[float], None] = time.sleep,
) -> RetryingStore:
    """`silence`: seconds without a byte, sent or received, after which a request is given up."""
    location = parse_url(url)
    settings = S3Settings(connect_timeout=silence, read_timeout=silence)
    if in_parts:
        settings = S3Settings(connect_timeout=silence, read_timeout=silence, single_put=100, part=5 * MIB)
    policy = RetryPolicy(total=seconds, first=0.05, sleep=sleep)
    return RetryingStore(S3Store(location.bucket, location.prefix, settings), policy)  # type: ignore[union-attr]


def put(store: RetryingStore, data: bytes, key: StoreKey = KEY) -> StoreKey:
    return put_stream_or_generation(store, key, lambda: io.BytesIO(data), len(data), Digest.of(data))


def held(store: RetryingStore) -> list[str]:
    return [stat.key.text for stat in store.list()]


def read(store: RetryingStore, key: StoreKey = KEY) -> bytes:
    with store.get(key) as reader:
        return reader.read()


@pytest.mark.parametrize("name", LOST)
def test_a_write_through_trouble_is_there_once(proxy: Proxy, s3_bucket: Callable[[], str], name: str) -> None:
    stalled = "stalled" in name
    times = 1 if stalled else 4  # more than botocore itself tries; of silence, once is enough
    store = store_at(s3_bucket(), silence=2.0 if stalled else 60.0)
    data = RANDOM.randbytes(300_000)
    with proxy.doing(fault := Fault(LOST[name], actions.request("PUT"), times)):
        assert put(store, data) == KEY
    assert fault.done == times
    assert held(store) == [KEY.text]
    assert read(store) == data


@pytest.mark.parametrize("step", ["POST uploads", "PUT partNumber=2", "POST uploadId="])
@pytest.mark.parametrize("name", ["reset in the request", "lost reply", "500 after it took effect"])
def test_an_upload_in_parts_through_trouble_is_there_once(proxy: Proxy, s3_bucket: Callable[[], str], name: str, step: str) -> None:
    store = store_at(s3_bucket(), in_parts=True)
    data = RANDOM.randbytes(11 * MIB)
    method, pattern = step.split(" ")
    with proxy.doing(fault := Fault(LOST[name], actions.request(method, pattern), 3)):  # as often as botocore tries
        assert put(store, data) == KEY
    assert fault.done == 3
    assert held(store) == [KEY.text]
    assert read_verified(store, KEY, Digest.of(data), 12 * MIB) == data


@pytest.mark.parametrize("code", ["InternalError", "SlowDown"])
@pytest.mark.parametrize("act", ["before", "after"])
def test_an_error_inside_a_200(proxy: Proxy, s3_bucket: Callable[[], str], code: str, act: str) -> None:
    store = store_at(s3_bucket(), in_parts=True)
    data = RANDOM.randbytes(6 * MIB)
    action: Action = actions.answer(200, code) if act == "before" else actions.error_after(200, code)
    with proxy.doing(fault := Fault(action, actions.request("POST", "uploadId="), 3)):
        assert put(store, data) == KEY
    assert fault.done == 3
    assert held(store) == [KEY.text]
    assert read(store) == data


@pytest.mark.parametrize("in_parts", [False, True])
def test_a_bit_that_flips_on_the_way_up_is_sent_again(proxy: Proxy, s3_bucket: Callable[[], str], in_parts: bool) -> None:
    store = store_at(s3_bucket(), in_parts=in_parts)
    data = RANDOM.randbytes(6 * MIB)
    with proxy.doing(fault := Fault(actions.flip_up(Random(1)), actions.request("PUT"), 2)):
        assert put(store, data) == KEY
    assert fault.done == 2
    assert held(store) == [KEY.text]
    assert read(store) == data


@pytest.mark.parametrize("ask", ["head", "warmth"])
def test_an_answer_without_a_length_is_asked_for_again(proxy: Proxy, s3_bucket: Callable[[], str], ask: str) -> None:
    store = store_at(s3_bucket())
    put(store, b"twelve bytes")
    with proxy.doing(fault := Fault(actions.truncate_reply(0.5, with_length=False), actions.request("HEAD"), 2)):
        assert getattr(store, ask)(KEY).size == 12
    assert fault.done == 2


def test_wrong_bytes_of_the_caller_are_not_sent_again(proxy: Proxy, s3_bucket: Callable[[], str]) -> None:
    store = store_at(s3_bucket())
    with pytest.raises(ChecksumRefusedError):
        store.put(KEY, b"these", sha256=Digest.of(b"those"))
    assert sum(line.startswith("PUT") for line in proxy.seen) == 1


@pytest.mark.parametrize("name", SHORT)
def test_a_read_through_trouble_is_whole(proxy: Proxy, s3_bucket: Callable[[], str], name: str) -> None:
    store = store_at(s3_bucket(), silence=2.0 if "stalled" in name else 60.0)
    data = RANDOM.randbytes(3 * MIB)
    put(store, data)
    with proxy.doing(fault := Fault(SHORT[name], actions.request("GET", "object"))):
        assert read(store) == data
    assert fault.done == 1
    with proxy.doing(Fault(SHORT[name], actions.request("GET", "list-type"))):
        assert held(store) == [KEY.text]


def test_a_bit_that_flips_on_the_way_down_is_read_again(proxy: Proxy, s3_bucket: Callable[[], str]) -> None:
    store = store_at(s3_bucket())
    data = RANDOM.randbytes(200_000)
    put(store, data)
    with proxy.doing(fault := Fault(actions.flip_down(Random(2)), actions.request("GET", "object"))):
        assert read_verified(store, KEY, Digest.of(data), MIB) == data
    assert fault.done == 1


def test_flipped_bits_in_lists_are_no_internal_error(proxy: Proxy, s3_bucket: Callable[[], str]) -> None:
    """In the clear nothing protects a list: what it says wrong is found when the object is asked for. It never breaks the program."""
    store = store_at(s3_bucket(), seconds=0.0)
    for number in range(4):
        put(store, b"%d" % number, StoreKey(f"content/ab/{number}"))
    random = Random(3)
    with proxy.doing(fault := Fault(actions.flip_down(random), actions.request("GET", "list-type"), 10**9)):
        for _ in range(60):
            try:
                held(store)
            except (StoreUnreachableError, WrongStoreError):
                continue
    assert fault.done >= 60


@pytest.mark.parametrize("in_parts", [False, True])
@pytest.mark.parametrize("equal", [True, False])
def test_another_writer_was_faster(
    proxy: Proxy, s3_bucket: Callable[[], str], s3_server: S3Server, equal: bool, in_parts: bool
) -> None:
    store = store_at(s3_bucket(), in_parts=in_parts)
    data = RANDOM.randbytes(6 * MIB)

    def theirs(target: str, body: bytes) -> None:
        bucket, _, key = target.partition("?")[0].strip("/").partition("/")
        s3_server.client().put_object(Bucket=bucket, Key=key, Body=data if equal else body + b"other")

    where = actions.request("POST", "uploadId=") if in_parts else actions.request("PUT")
    with proxy.doing(fault := Fault(actions.written_before(theirs, equal=equal), where)):
        at = put(store, data)
    assert fault.done == 1
    assert at == (KEY if equal else KEY.generation(1))
    assert read(store, at) == data


@pytest.mark.parametrize(("status", "code", "says"), [
    (400, "ExpiredToken", "expired"), (403, "InvalidAccessKeyId", "AWS_ACCESS_KEY_ID"), (403, "SignatureDoesNotMatch", "secret key"),
    (403, "RequestTimeTooSkewed", "clock"), (403, "AccessDenied", "refused"),
])
def test_refusals_name_the_remedy_and_are_not_repeated(
    proxy: Proxy, s3_bucket: Callable[[], str], status: int, code: str, says: str
) -> None:
    store = store_at(s3_bucket())
    with proxy.doing(Fault(actions.answer(status, code), actions.request("PUT|GET"), 10**9)):
        for call in (lambda: store.put(KEY, b"x", sha256=Digest.of(b"x")), lambda: read(store), lambda: held(store)):
            before = len(proxy.seen)
            with pytest.raises(StoreRefusedError, match=says):
                call()
            assert len(proxy.seen) - before <= 3


def test_a_gateway_without_a_route_is_no_missing_object(proxy: Proxy, s3_bucket: Callable[[], str]) -> None:
    store = store_at(s3_bucket())
    put(store, b"here")
    with proxy.doing(Fault(actions.answer(404), actions.request("GET|HEAD"), 10**9)):
        for call in (lambda: read(store), lambda: store.head(KEY), lambda: store.get(KEY, 1, 2)):
            with pytest.raises(WrongStoreError):
                call()
    with pytest.raises(NotFoundInStoreError):
        read(store, StoreKey("content/ab/absent"))


def test_refused_connections_and_silence_end_in_time(proxy: Proxy, s3_bucket: Callable[[], str]) -> None:
    store = store_at(s3_bucket(), seconds=1.0)
    put(store, b"here")
    proxy.down()
    with pytest.raises(StoreUnreachableError):
        store.head(StoreKey("absent"))
    ups = iter([proxy.up])  # after the first try, which was refused, it is there again
    assert read(store_at(store.url, sleep=lambda _: next(ups, lambda: None)())) == b"here"
    assert next(ups, None) is None
    store = store_at(store.url, seconds=0.0, silence=1.0)
    started = time.monotonic()
    with proxy.doing(Fault(actions.stall_request, actions.request("GET|PUT|HEAD"), 10**9)):
        for call in (lambda: read(store), lambda: store.put(KEY, RANDOM.randbytes(20 * MIB), sha256=Digest.of(b""))):
            with pytest.raises(StoreUnreachableError):
                call()
    assert time.monotonic() - started < 500  # the proxy would say nothing for longer


def test_times_are_set_by_the_environment(proxy: Proxy, s3_bucket: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRONGROOM_READ_TIMEOUT", "0.3")
    monkeypatch.setenv("STRONGROOM_RETRY_SECONDS", "0")
    store = open_store(s3_bucket(), StoreOptions())
    started = time.monotonic()
    with proxy.doing(Fault(actions.stall_request, actions.request("HEAD"), 10**9)), pytest.raises(StoreUnreachableError):
        store.head(KEY)
    assert time.monotonic() - started < 60  # the least it would be by default


def test_leftovers_of_failed_uploads_are_swept(proxy: Proxy, s3_bucket: Callable[[], str]) -> None:
    """The upload fails, and so does the request that would abort it."""
    store = store_at(s3_bucket(), in_parts=True, seconds=0.0)
    data = RANDOM.randbytes(6 * MIB)
    with proxy.doing(Fault(actions.answer(503, "SlowDown"), actions.request("PUT|DELETE"), 10**9)), pytest.raises(StoreUnreachableError):
        put(store, data)
    assert held(store) == []
    assert tidy(store) == 0  # a week is not over
    time.sleep(1.1)  # the server counts whole seconds
    assert store.tidy(0) == 1
    assert store.tidy(0) == 0


def test_an_account_that_may_neither_delete_nor_replace(proxy: Proxy, s3_server: S3Server, s3_bucket: Callable[[], str]) -> None:
    """In a bucket with Object Lock: nothing that archiving needs is refused."""
    s3_bucket()
    bucket = f"locked-{secrets.token_hex(4)}"
    client = s3_server.client()
    client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    client.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration={
        "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}})
    store, parts = store_at(f"s3://{bucket}/a"), store_at(f"s3://{bucket}/a", in_parts=True)
    with proxy.doing(fault := Fault(actions.deny, actions.deletes_or_replaces, 10**9)):
        data = os.urandom(6 * MIB)
        assert put_or_generation(store, KEY, b"first", Digest.of(b"first")) == KEY
        assert put_or_generation(store, KEY, b"other", Digest.of(b"other")) == KEY.generation(1)
        assert put(parts, data, StoreKey("content/ab/large")) == StoreKey("content/ab/large")
        with pytest.raises(KeyExistsError):
            parts.put_stream(StoreKey("content/ab/large"), io.BytesIO(data), len(data), sha256=Digest.of(data))
        assert fault.done == 0
        with pytest.raises(StoreRefusedError):
            store.delete(KEY)
        with pytest.raises(ClientError, match="AccessDenied"):
            boto3.client("s3").put_object(Bucket=bucket, Key=f"a/{KEY}", Body=b"replaced")
    assert fault.done == 2
    assert read(store) == b"first"

"""What only S3 can get wrong: errors, half uploads, lost buckets, servers that ignore conditions."""

from __future__ import annotations

import base64
import io
import multiprocessing
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from strongroom.core.digests import Digest
from strongroom.core.errors import (
    ChecksumRefusedError,
    ColdInStoreError,
    KeyExistsError,
    NotFoundInStoreError,
    SlowDownError,
    StoreError,
    StoreFullError,
    StoreRefusedError,
    StoreUnreachableError,
    WriteConflictError,
    WrongStoreError,
)
from strongroom.core.keys import StoreKey
from strongroom.stores.describe import NO_CHECKSUMS, NO_CREATE_ONLY, init_store, open_known_store
from strongroom.stores.interface import Stat
from strongroom.stores.keyspace import in_byte_order
from strongroom.stores.open import open_store
from strongroom.stores.s3 import S3Settings, S3Store
from strongroom.stores.s3_errors import error_for
from strongroom.stores.s3_multipart import part_size
from tests.fixtures.seaweedfs import S3Server
from tests.stores.conftest import s3_store
from tests.stores.helpers import Failing, names, pattern, put, put_stream, read

pytestmark = pytest.mark.s3
PARTS = S3Settings(single_put=100, part=5 * 2**20)


def _uploads(store: S3Store) -> list[str]:
    reply = store.client.list_multipart_uploads(Bucket="strongroom-tests", Prefix=store.url.rpartition("/")[2])
    return [upload["Key"] for upload in reply.get("Uploads", [])]


def test_upload_in_parts_is_whole_and_keeps_its_digest(s3_bucket: Callable[[], str]) -> None:
    store = s3_store(s3_bucket(), PARTS)
    data = pattern(17 * 2**20 + 11)
    put_stream(store, "content/ab/x", data)
    assert read(store, "content/ab/x") == data
    assert store.head(StoreKey("content/ab/x")).sha256 == Digest.of(data)
    assert read(store, "content/ab/x", 5 * 2**20 - 3, 6) == data[5 * 2**20 - 3 : 5 * 2**20 + 3]
    assert _uploads(store) == []


@pytest.mark.parametrize("checks", [True, False])
def test_bodies_are_hashed_once_where_the_server_checks_their_digest(s3_bucket: Callable[[], str], *, checks: bool) -> None:
    store = s3_store(s3_bucket(), replace(PARTS, checks_sha256=checks))
    sent: dict[str, set[tuple[str, str]]] = {}

    def note(request: Any, **_: Any) -> None:
        headers = {name.lower(): value.decode() if isinstance(value, bytes) else str(value) for name, value in request.headers.items()}
        if digest := headers.get("x-amz-checksum-sha256"):
            assert "x-amz-checksum-sha256" in headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
            announced = base64.b64decode(digest).hex()
            sent.setdefault(request.method, set()).add((announced, headers["x-amz-content-sha256"]))
        else:  # what has no digest of its own: listings, the completion of an upload
            assert headers["x-amz-content-sha256"] != "UNSIGNED-PAYLOAD"

    store.client.meta.events.register_last("before-send.s3", note)
    put(store, "small", b"abc")
    put_stream(store, "content/ab/x", pattern(6 * 2**20))
    assert read(store, "small") == b"abc" and read(store, "content/ab/x") == pattern(6 * 2**20)
    assert len(sent["PUT"]) == 3 and Digest.of(b"abc").hex in {announced for announced, _ in sent["PUT"]}
    assert all(signed == ("UNSIGNED-PAYLOAD" if checks else announced) for announced, signed in sent["PUT"])


def test_no_server_has_to_guess_what_it_is_sent(s3_bucket: Callable[[], str]) -> None:
    store = s3_store(s3_bucket(), PARTS)
    sent: dict[str, str] = {}

    def note(request: Any, event_name: str, **_: Any) -> None:
        kind = request.headers.get("Content-Type")
        sent[event_name.rpartition(".")[2]] = kind.decode() if isinstance(kind, bytes) else str(kind)

    store.client.meta.events.register("before-send.s3", note)
    put(store, "content/ab/x", b"<html>")
    put_stream(store, "content/ab/y", pattern(6 * 2**20))
    kind = "binary/octet-stream"
    assert {sent[operation] for operation in ("PutObject", "CreateMultipartUpload", "UploadPart")} == {kind}
    for name in "xy":
        key = f"{store.url.rpartition('/')[2]}/content/ab/{name}"
        assert store.client.head_object(Bucket="strongroom-tests", Key=key)["ContentType"] == kind


def test_failed_uploads_are_aborted(s3_bucket: Callable[[], str]) -> None:
    store = s3_store(s3_bucket(), PARTS)
    data = pattern(12 * 2**20)
    with pytest.raises(ChecksumRefusedError):
        store.put_stream(StoreKey("a"), io.BytesIO(data), len(data), sha256=Digest.of(b""))
    with pytest.raises(OSError, match="source broke"):
        store.put_stream(StoreKey("a"), Failing(data), 2 * len(data), sha256=Digest.of(b""))  # type: ignore[arg-type]
    put(store, "b")
    twin = s3_store(store.url, S3Settings(single_put=-1, look_first=False))  # meets the key only when it completes
    with pytest.raises(KeyExistsError):
        put_stream(twin, "b", b"other")
    assert read(store, "b") == b"x"
    assert _uploads(store) == []


def test_tidy_aborts_old_uploads_below_the_prefix_only(s3_bucket: Callable[[], str]) -> None:
    mine, other = s3_store(s3_bucket()), s3_store(s3_bucket())
    for store in (mine, other):
        prefix = store.url.rpartition("/")[2]
        store.client.create_multipart_upload(Bucket="strongroom-tests", Key=f"{prefix}/content/x")
    assert mine.tidy(3600) == 0
    time.sleep(1.1)  # the server counts whole seconds
    assert mine.tidy(0) == 1
    assert _uploads(mine) == []
    assert len(_uploads(other)) == 1


def test_a_missing_bucket_is_not_a_missing_key(s3_bucket: Callable[[], str]) -> None:
    s3_bucket()
    store = s3_store("s3://no-such-bucket-" + secrets.token_hex(4))
    for call in (lambda: read(store, "a"), lambda: store.head(StoreKey("a")), lambda: names(store), lambda: list(store.list_folders("")),
                 lambda: store.delete(StoreKey("a")), lambda: store.get(StoreKey("a"), 0, 0)):
        with pytest.raises(WrongStoreError, match="no such bucket"):
            call()
    with pytest.raises(WrongStoreError):
        open_known_store(store.url, None)
    with pytest.raises(WrongStoreError):
        init_store(store.url)


def test_wrong_credentials_are_refused_at_once(s3_bucket: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    url = s3_bucket()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    store, sent, send = open_store(url), [], URLLib3Session.send

    def noted(session: URLLib3Session, request: Any) -> Any:
        sent.append(request.url)
        return send(session, request)

    monkeypatch.setattr(URLLib3Session, "send", noted)
    for call in (lambda: read(store, "a"), lambda: put(store, "a"), lambda: names(store), lambda: store.head(StoreKey("a"))):
        with pytest.raises(StoreRefusedError):
            call()
    assert len(sent) == 4, "it was asked again"


def test_no_credentials_at_all(s3_bucket: Callable[[], str], monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    store = s3_store(s3_bucket())
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", f"{tmp_path}/none")
    with pytest.raises(StoreRefusedError, match="environment"):
        put(store, "a")


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch, s3_bucket: Callable[[], str]) -> None:
    url = s3_bucket()
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        store = s3_store(url, S3Settings(endpoint_url=f"http://127.0.0.1:{held.getsockname()[1]}", connect_timeout=1, read_timeout=1))
        for call in (lambda: read(store, "a"), lambda: put(store, "a"), lambda: names(store), lambda: store.head(StoreKey("a"))):
            with pytest.raises(StoreUnreachableError) as caught:
                call()
            assert not isinstance(caught.value, StoreRefusedError)


def _serve_once(reply: bytes) -> tuple[str, threading.Thread]:
    """A server that answers each of a few connections with `reply`, then hangs up. b"" never answers."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        held = []
        for _ in range(4):
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if reply:
                connection.recv(65536)
                connection.sendall(reply)
                connection.shutdown(socket.SHUT_RDWR)
                connection.close()
            else:
                held.append(connection)
        listener.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}", thread


def test_a_server_that_never_answers_does_not_hang_us(s3_bucket: Callable[[], str]) -> None:
    endpoint, _ = _serve_once(b"")
    store = s3_store(s3_bucket(), S3Settings(endpoint_url=endpoint, connect_timeout=1, read_timeout=0.5))
    started = time.monotonic()
    with pytest.raises(StoreUnreachableError):
        store.get(StoreKey("a"))
    assert time.monotonic() - started < S3Settings().read_timeout


def test_a_stream_that_ends_short_is_an_error(s3_bucket: Callable[[], str]) -> None:
    endpoint, _ = _serve_once(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nContent-Type: a/b\r\n\r\n" + b"x" * 400)
    store = s3_store(s3_bucket(), S3Settings(endpoint_url=endpoint))
    with store.get(StoreKey("a")) as reader, pytest.raises(StoreUnreachableError):
        reader.read()


def test_a_completion_answered_200_with_an_error_inside(s3_bucket: Callable[[], str]) -> None:
    store = s3_store(s3_bucket(), PARTS)
    body = b"<?xml version='1.0'?><Error><Code>InternalError</Code><Message>We failed</Message></Error>"

    def fake(**_: object) -> Any:

        class Raw(io.BytesIO):
            def stream(self, **_: object) -> list[bytes]:
                return [self.read()]

        return AWSResponse("http://x", 200, cast(Any, HeadersDict()), Raw(body))

    store.client.meta.events.register("before-send.s3.CompleteMultipartUpload", fake)
    with pytest.raises(StoreUnreachableError, match="InternalError"):
        put_stream(store, "a", pattern(6 * 2**20))
    with pytest.raises(NotFoundInStoreError):
        store.head(StoreKey("a"))
    assert _uploads(store) == []


@pytest.mark.parametrize(("header", "feature"), [("If-None-Match", NO_CREATE_ONLY), ("x-amz-checksum-sha256", NO_CHECKSUMS)])
def test_servers_that_ignore_what_they_do_not_know(
    s3_bucket: Callable[[], str], monkeypatch: pytest.MonkeyPatch, header: str, feature: str
) -> None:
    connect = S3Store._connect

    def connect_to_old_server(self: S3Store) -> object:
        client = connect(self)
        client.meta.events.register("before-sign.s3.PutObject", lambda request, **_: request.headers.__delitem__(header))
        client.meta.events.register("before-sign.s3.CompleteMultipartUpload", lambda request, **_: request.headers.__delitem__(header))
        return client

    monkeypatch.setattr(S3Store, "_connect", connect_to_old_server)
    made = init_store(s3_bucket())
    assert made.description.features == (feature,)
    assert made.capabilities.create_only == (feature != NO_CREATE_ONLY)
    assert made.capabilities.checks_sha256 == (feature != NO_CHECKSUMS)
    store = open_known_store(made.url, made.id)
    assert store.capabilities.create_only == (feature != NO_CREATE_ONLY)
    put(store, "a/b", b"first")
    with pytest.raises(KeyExistsError):
        put(store, "a/b", b"second")
    with pytest.raises(KeyExistsError):
        put_stream(store, "a/b", b"second")
    with pytest.raises(ChecksumRefusedError):
        store.put_stream(StoreKey("a/c"), io.BytesIO(b"x"), 1, sha256=Digest.of(b""))
    if feature == NO_CHECKSUMS:
        with pytest.raises(ChecksumRefusedError):
            store.put(StoreKey("a/c"), b"x", sha256=Digest.of(b""))
    assert read(store, "a/b") == b"first"


def test_a_server_that_refuses_conditions_can_hold_replicas(s3_bucket: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    connect = S3Store._connect

    def connect_to_old_server(self: S3Store) -> object:
        client = connect(self)

        def refuse(model: object, params: dict[str, dict[str, str]], **_: object) -> None:
            if "If-None-Match" in params["headers"]:
                reply = {"Error": {"Code": "NotImplemented", "Message": "no conditions"}, "ResponseMetadata": {"HTTPStatusCode": 501}}
                raise ClientError(reply, "PutObject")  # type: ignore[arg-type]

        client.meta.events.register("before-call.s3", refuse)
        return client

    monkeypatch.setattr(S3Store, "_connect", connect_to_old_server)
    made = init_store(s3_bucket())
    assert made.description.features == (NO_CREATE_ONLY,)
    put(open_known_store(made.url, made.id), "a")


def test_objects_that_are_no_keys_are_not_listed(s3_bucket: Callable[[], str]) -> None:
    store = s3_store(s3_bucket())
    prefix = store.url.rpartition("/")[2]
    put(store, "a/b")
    for name in ("My File.txt", "a/.hidden", "a/ünï", "a/x y"):
        store.client.put_object(Bucket="strongroom-tests", Key=f"{prefix}/{name}", Body=b"")
    assert names(store) == ["a/b"]
    assert names(store, "a/") == ["a/b"]


def test_versioning_and_object_lock_are_told(s3_server: S3Server, s3_bucket: Callable[[], str]) -> None:
    s3_bucket()
    client = s3_server.client()
    client.create_bucket(Bucket="locked-bucket", ObjectLockEnabledForBucket=True)
    assert any("Object Lock is enabled" in note for note in s3_store("s3://locked-bucket/x").check_key_space())
    assert any("versioning is enabled" in note for note in s3_store("s3://locked-bucket/x").check_key_space())
    assert any("versioning is off" in note for note in s3_store("s3://strongroom-tests/x").check_key_space())
    assert init_store("s3://locked-bucket/x").created


def _child(store: S3Store, queue: Any) -> None:
    put(store, "child", b"1")
    queue.put(read(store, "a"))
    queue.close()
    queue.join_thread()
    os._exit(0)  # what other libraries of a forked test process do at its exit is not what is tested


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_another_process_makes_a_client_of_its_own(s3_bucket: Callable[[], str], method: str) -> None:
    store = s3_store(s3_bucket())
    put(store, "a", b"shared")
    context: Any = multiprocessing.get_context(method)
    queue = context.Queue()
    child = context.Process(target=_child, args=(store, queue))
    child.start()
    assert queue.get(timeout=300) == b"shared"
    child.join(300)
    assert child.exitcode == 0
    assert names(store) == ["a", "child"]


def test_order_by_tree_becomes_order_by_bytes_and_any_other_is_refused() -> None:
    def stats(*keys: str) -> list[Stat]:
        return [Stat(StoreKey(key), 0) for key in keys]

    tree = stats("b/site/v1", "b/site/v2", "b/site-2/v1", "b/site.org/v1", "b/sites/v1")
    assert [stat.key.text for stat in in_byte_order(tree, "b/")] == sorted(stat.key.text for stat in tree)
    with pytest.raises(StoreError, match="out of order"):
        list(in_byte_order(stats("b/b", "b/a"), "b/"))
    with pytest.raises(StoreError, match="out of order"):
        list(in_byte_order(stats("b/a", "b/a"), "b/"))
    assert list(in_byte_order([], "")) == []


@pytest.mark.parametrize(("code", "status", "kind"), [
    ("NoSuchKey", 404, NotFoundInStoreError), ("NoSuchBucket", 404, WrongStoreError), ("404", 404, NotFoundInStoreError),
    ("AccessDenied", 403, StoreRefusedError), ("SlowDown", 503, SlowDownError), ("InternalError", 500, StoreUnreachableError),
    ("PreconditionFailed", 412, KeyExistsError), ("ConditionalRequestConflict", 409, WriteConflictError), ("", 0, StoreUnreachableError),
    ("BadDigest", 400, ChecksumRefusedError), ("EntityTooLarge", 400, StoreFullError), ("XMinioStorageFull", 507, StoreFullError),
    ("NotImplemented", 501, StoreRefusedError), ("InvalidRequest", 400, StoreRefusedError), ("TooMany", 429, SlowDownError),
    ("InvalidObjectState", 403, ColdInStoreError), ("BadGateway", 502, StoreUnreachableError),
    ("RequestTimeout", 400, StoreUnreachableError),
])
def test_what_answers_mean(code: str, status: int, kind: type[StoreError]) -> None:
    error = error_for("s3://b/k", code, status, "why")
    assert type(error) is kind
    assert "s3://b/k" in str(error)
    assert "why" in str(error)


def test_parts_are_never_too_many() -> None:
    smallest = 16 * 2**20
    for length in (1, 10**9, 10**12, 5 * 10**13, 10_000 * smallest, 10_000 * smallest + 1):
        size = part_size(length, smallest)
        assert -(-length // size) <= 10_000
        assert size <= 5 * 1024**3
        assert size % 2**20 == 0


def test_larger_than_s3_holds(s3_bucket: Callable[[], str]) -> None:
    with pytest.raises(StoreFullError):
        s3_store(s3_bucket()).put_stream(StoreKey("a"), io.BytesIO(), 10**15, sha256=Digest.of(b""))

"""Copies of a store that reach a worker with its batches share one client."""

from __future__ import annotations

import os
import pickle

import pytest

from strongroom.core.errors import StoreUnreachableError
from strongroom.stores.s3 import S3Settings, S3Store

SETTINGS = S3Settings(endpoint_url="http://127.0.0.1:9", region="us-east-1")


def sent(store: S3Store) -> S3Store:
    return pickle.loads(pickle.dumps(store))  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def test_one_client_for_all_copies_that_were_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    store = S3Store("bucket", "prefix", SETTINGS)
    first = sent(store).client
    assert sent(store).client is first and sent(S3Store("other", "", SETTINGS)).client is first
    assert store.client is not first  # a store that was opened here has its own
    assert sent(S3Store("bucket", "", S3Settings(endpoint_url="http://127.0.0.1:10", region="us-east-1"))).client is not first
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody else")
    assert sent(store).client is not first


def test_a_forked_child_does_not_share_its_parents_connections() -> None:
    store = sent(S3Store("bucket", "", SETTINGS))
    parents = store.client
    child = os.fork()
    if child == 0:
        os._exit(0 if store.client is not parents and sent(store).client is not parents else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_server_that_is_not_there_is_told_with_where_its_address_is_said() -> None:
    with pytest.raises(StoreUnreachableError, match=r"127\.0\.0\.1:9/.* Is the server running, and is AWS_ENDPOINT_URL, or `endpoint_url`"):
        next(iter(S3Store("bucket", "prefix", SETTINGS).list()))

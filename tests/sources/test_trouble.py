"""A bucket that answers badly, or not: through a proxy in front of the real server."""

from __future__ import annotations

import os

import pytest

from strongroom.core.errors import ReplacedInStoreError, StoreUnreachableError, UnreadableInStoreError
from strongroom.core.pack import LARGE_CONTENT
from strongroom.sources.ranged import RangedReader
from strongroom.stores import s3_objects
from strongroom.stores.open import StoreOptions, open_objects
from tests.faults.s3.actions import answer, request, truncate_reply
from tests.faults.s3.proxy import Fault, Proxy

pytestmark = pytest.mark.s3


@pytest.fixture
def proxy(s3_server):
    made = Proxy(s3_server.endpoint)
    yield made
    made.close()


def objects(site, proxy, retry_seconds=20.0):
    bucket, _, prefix = site.url.removeprefix("s3://").partition("/")
    return open_objects(bucket, prefix, StoreOptions(endpoint_url=proxy.endpoint, retry_seconds=retry_seconds))


def rewritten(old, new):
    def act(exchange):
        reply = exchange.forward()
        reply.body = reply.body.replace(old, new)
        reply = reply.without("content-length", "transfer-encoding")
        reply.headers.append(("Content-Length", str(len(reply.body))))
        exchange.reply(reply)
    return act


def test_an_object_in_cold_storage_is_left_out_and_said(site, proxy):
    site.options = {"endpoint_url": proxy.endpoint}
    with proxy.doing(Fault(answer(403, "InvalidObjectState"), request("GET", "pages/a.html"), times=100)):
        report = site.run()
    (found,) = (finding for finding in report.findings if finding.code.label == "source-unreadable")
    assert f"{site.url}/pages/a.html:" in found.message
    assert (found.place, report.exit_status) == ("data/pages/a.html", 1) and "cold storage class" in found.message
    assert len(site.payload(1)) == 4
    assert site.run().bag == "site/v2" and len(site.payload(2)) == 5  # once it was thawed


def test_a_server_that_stops_answering_makes_no_bag(site, proxy, monkeypatch):
    monkeypatch.setenv("STRONGROOM_RETRY_SECONDS", "0.2")
    site.options = {"endpoint_url": proxy.endpoint}
    fault = Fault(answer(503, "SlowDown"), request("GET", "pages/a.html"), times=100_000)
    with proxy.doing(fault), pytest.raises(StoreUnreachableError) as caught:
        site.run()
    assert str(caught.value).startswith(f"{site.url}/") and caught.value.exit_status == 3 and site.versions() == []
    assert site.run().bag == "site/v1"


@pytest.mark.parametrize("act", [answer(503, "SlowDown"), answer(500, "InternalError"), truncate_reply(0.5)])
@pytest.mark.parametrize("where", ["list-type=2", "index.html"])
def test_what_fails_for_a_moment_is_asked_again(site, proxy, act, where):
    source = objects(site, proxy)
    with proxy.doing(Fault(act, request("GET", where), times=2)) as _:
        listed = {one.name: one for one in source.list()}
        assert len(listed) == 5
        one = listed[b"index.html"]
        assert source.get(one, 0, one.size) == b"<!doctype html><title>Home</title><p>Welcome"
    assert len([line for line in proxy.seen if where in line]) >= 3


def test_permission_that_is_refused_says_nothing_of_other_objects(site, proxy):
    source = objects(site, proxy)
    one = next(one for one in source.list() if one.name == b"index.html")
    with proxy.doing(Fault(answer(403, "AccessDenied"), request("GET|HEAD", "index.html"), times=100)):
        with pytest.raises(UnreadableInStoreError, match="permission"):
            source.get(one, 0, one.size)
        with pytest.raises(UnreadableInStoreError):
            source.head(one.name)
    with proxy.doing(Fault(answer(403, "ExpiredToken"), request("GET"), times=100)), pytest.raises(StoreUnreachableError) as caught:
        source.get(one, 0, one.size)
    assert not isinstance(caught.value, UnreadableInStoreError)


def test_a_server_that_heeds_no_condition_is_found_out_by_the_etag(site, proxy):
    def unconditionally(exchange):
        exchange.request = exchange.request.without("if-match")
        exchange.reply(exchange.forward())

    site.put("big", bytes(LARGE_CONTENT + 1))
    source = objects(site, proxy)
    listed = {one.name: one for one in source.list()}
    site.put("index.html", "<!doctype html><title>Home</title><p>WELCOME")
    site.put("big", os.urandom(LARGE_CONTENT + 1))
    # A header that is signed cannot be taken away: the server is asked by one that does not sign it.
    source.client.meta.events.register("before-sign.s3.GetObject", lambda request, **_: request.headers.__delitem__("If-Match"))
    for name, length in ((b"index.html", listed[b"index.html"].size), (b"big", 1000)):
        with pytest.raises(ReplacedInStoreError):
            source.get(listed[name], 0, length)


def test_a_list_that_says_there_is_more_and_does_not_go_on_is_no_list(either, proxy):
    source = objects(either, proxy, retry_seconds=0.2)
    where = "list-type=2" if either.extra["kind"] == "plain" else "versions"
    fault = Fault(rewritten(b"<IsTruncated>false", b"<IsTruncated>true"), request("GET", where), times=100)
    with proxy.doing(fault), pytest.raises(StoreUnreachableError, match="does not go on"):
        list(source.list())


def test_lists_are_read_page_by_page(either, proxy, monkeypatch):
    monkeypatch.setattr(s3_objects, "_PAGE", 2)
    for number in range(7):
        either.put(f"many/{number}", f"{number}")
        either.put(f"many/{number}", f"{number}, again")
    either.delete("many/3")
    names = [one.name for one in objects(either, proxy).list()]
    assert len(names) == len(set(names)) == 11 and b"many/3" not in names
    assert len([line for line in proxy.seen if "max-keys=2" in line]) >= 6


def test_versions_that_may_not_be_listed_are_done_without(either, proxy):
    with proxy.doing(Fault(answer(403, "AccessDenied"), request("GET", "[?&]version"), times=100)):
        listed = list(objects(either, proxy).list())
    assert len(listed) == 5 and {one.version for one in listed} == {""}
    one = next(one for one in listed if one.size)
    either.put(one.name.decode(), "other")
    with pytest.raises(ReplacedInStoreError):
        objects(either, proxy).get(one, 0, one.size)


def test_a_rate_limit_is_kept(site, proxy, monkeypatch):
    paid = []

    class Counting:
        def __init__(self, url, rate):
            self.what = url, rate

        def pay(self, size):
            paid.append((*self.what, size))

    monkeypatch.setattr(s3_objects, "bucket_of", Counting)
    bucket, _, prefix = site.url.removeprefix("s3://").partition("/")
    source = open_objects(bucket, prefix, StoreOptions(rate_limit=1000.0))
    for one in source.list():
        source.get(one, 0, one.size)
    assert len(paid) == 5 and {(url, rate) for url, rate, _ in paid} == {(site.url, 1000.0)}


def test_ranges_are_asked_for_ahead_and_no_further():
    data, asked = os.urandom(1_000_003), []

    def get(start, length):
        asked.append((start, length))
        return data[start : start + length]

    with RangedReader(get, len(data), part=10_000, ahead=3) as reader:
        first = reader.read(1)
        assert first == data[:1] and len(asked) <= 3
        assert first + b"".join(iter(lambda: reader.read(7_777), b"")) == data
        assert sorted(asked) == [(at, min(10_000, len(data) - at)) for at in range(0, len(data), 10_000)]
        reader.seek(0)
        assert reader.read() == data and reader.tell() == len(data)


def test_what_a_range_raises_is_raised_where_it_is_read():
    def get(start, length):
        if start >= 20:
            raise ReplacedInStoreError("other")
        return bytes(length)

    with RangedReader(get, 100, part=10, ahead=2) as reader:
        assert b"".join(reader.read(10) for _ in range(2)) == bytes(20)
        with pytest.raises(ReplacedInStoreError):
            reader.read(1)

"""What the room shows of collections that everybody may see."""

from __future__ import annotations

import hashlib
import re

import pytest

from strongroom.core.digests import Digest
from tests.room.test_damage import run

MILL = b"<!doctype html><title>Mill</title><h1>The mill</h1><p>It ground corn until 1932."


def test_from_collections_to_a_file(town):
    assert '<a href="/c/town">The town</a>' in town.get("/").text
    page = town.get("/c/town").text
    assert "/c/town/v1/" in page
    assert "/c/town/v2/" in page
    assert 'href="/c/town/v2/f/pages/"' in town.get("/c/town/v2/").text
    assert 'href="/c/town/v2/f/pages/mill.html"' in town.get("/c/town/v2/f/pages/").text
    page = town.get("/c/town/v2/f/pages/mill.html").text
    digest = hashlib.sha256(MILL).hexdigest()
    for part in (digest, "The water mill", "Ottilie Quern", Digest(digest).ni, "Hypertext Markup Language", "It ground corn until 1932"):
        assert part in page
    assert "until 1931" in town.get("/c/town/v1/f/pages/mill.html").text


def test_copies_and_versions_of_one_content(town):
    page = town.get("/c/town/v2/f/notes/plain.txt").text
    assert "no audit yet" in page
    assert "packs/" in page
    page = town.get("/c/village/v1/f/shared.txt").text
    assert "The same content elsewhere" not in page


def test_search_by_name_and_metadata(town):
    assert "/c/town/v2/f/pages/mill.html" in town.get("/search?q=quer").text
    assert "/c/town/v2/f/notes/plain.txt" in town.get("/search?q=plain").text
    assert "0 found" in town.get("/search?q=nothing-of-the-kind").text
    assert "0 found" in town.get("/search?q=%22%20OR%20NEAR(%27").text
    assert "/c/town/v2/f/images/dot.png" in town.get("/search?q=ot.pn").text, "a part of a name"
    assert "0 found" in town.get("/search?q=mill&in=village").text


def test_a_site_as_it_was(town):
    home = town.site("/c/town/v1/f/index.html")
    assert re.fullmatch(r"http://[a-z2-7]{32}\.localhost:\d+/index\.html", home)
    base = home.removesuffix("index.html")
    kinds = {"": "text/html", "pages/mill.html": "text/html", "style/site.css": "text/css", "images/dot.png": "image/png"}
    for path, kind in kinds.items():
        answer = town.follow(base + path)
        assert (answer.status, answer.headers["content-type"]) == (200, kind)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("sandbox; default-src 'none'; ")
        assert "allow-" not in policy
        assert "script-src" not in policy
    assert town.follow(base + "pages").status == 404, "a folder without an index"
    assert town.follow(base + "nothing").status == 404
    assert town.follow(base.replace(base[7:11], "aaaa")).status == 404, "a ticket that was never given"


@pytest.mark.parametrize("path", [
    "/c/town/v1/f/../../../../etc/passwd", "/c/town/v1/f/%2e%2e/%2e%2e/strongroom.json", "/c/town/v1/f/pages%2Fmill.html",
    "/c/town/v1/f/pages/..%2findex.html", "/c/town/v1/f/pages/./mill.html", "/c/town/v1/f//index.html", "/c/town/v1/f/index.html/",
    "/c/town/v1/f/index.html%00", "/c/town/v1/f/%5c..%5c", "/c/town/v0/", "/c/town/v99/", "/c/town/v1~000000000000/", "/c/../town",
    "/c/town/v1/d/../index.html", "/c/%74own/v1/d/", "/.well-known/ni/sha-256/AAAA", "/.well-known/ni/sha-256/" + "A" * 43,
    "/static/../room.py", "/static/%2e%2e/app.py", "/c/TOWN", "/compare/1/2", "/f/", "/c/town/v1/f/" + "a/" * 3000,
])
def test_path_tricks_find_nothing(town, path):
    assert town.get(path).status == 404


@pytest.mark.parametrize("path", [
    "/../c/town", "/%2e%2e/index.html", "/pages/../../index.html", "/pages%2Fmill.html", "/index.html%00", "//index.html",
    "/pages//mill.html", "/index.html/", "/./index.html",
])
def test_path_tricks_on_the_site_find_nothing(town, path):
    base = town.site("/c/town/v1/f/index.html").removesuffix("/index.html")
    assert town.follow(base + path).status == 404


def test_a_download_under_its_name(town):
    answer = town.get("/c/town/v2/d/pages/mill.html")
    assert answer.body == MILL
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''mill.html"
    assert answer.headers["content-type"] == "application/octet-stream"


def test_contents_by_name_with_ranges(town):
    path = "/.well-known/ni/sha-256/" + Digest.of(MILL).ni
    answer = town.get(path)
    assert (answer.status, answer.body) == (200, MILL)
    assert answer.headers["accept-ranges"] == "bytes"
    part = town.get(path, Range="bytes=10-19")
    assert (part.status, part.body, part.headers["content-range"]) == (206, MILL[10:20], f"bytes 10-19/{len(MILL)}")
    assert town.get(path, Range="bytes=-5").body == MILL[-5:]
    assert town.get(path, Range=f"bytes={len(MILL)}-").status == 416
    assert town.get(path, Range="bytes=5-2").body == MILL
    head = town.get(path, method="HEAD")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(MILL)))
    assert town.get(path, Range="bytes=0-0", If_Range='"another"').body == MILL
    empty = town.get("/.well-known/ni/sha-256/" + Digest.of(b"").ni)
    assert (empty.status, empty.body) == (200, b"")
    assert town.get(path + "=").status == 404


def test_two_versions_of_a_page_side_by_side(town):
    digests = re.findall(r"<code>([0-9a-f]{64})</code>", town.get("/c/town/v1/f/pages/mill.html").text)
    page = town.get(f"/compare/{digests[0]}/{hashlib.sha256(MILL).hexdigest()}").text
    assert "<del>1931</del>" in page
    assert "<ins>1932</ins>" in page


def test_other_names_methods_and_headers(town):
    assert town.get("/", host="evil.example").status == 421, "DNS rebinding"
    assert town.get("/", host=f"evil.example:{town.port}").status == 421
    assert town.get("/", host=f"127.0.0.1:{town.port}").status == 200
    assert town.get("/", port=town.site_port, host="evil.example").status == 421
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        assert town.get("/", method=method).status == 405
        assert town.get("/", method=method, port=town.site_port).status == 405
    headers = town.get("/").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "script" not in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    site = town.site("/c/town/v1/f/index.html")
    assert town.follow(site, Service_Worker="script").status == 405


def test_checks_are_told(made):
    made.archive("town", {"a.txt": "words"})
    run(made, "audit", "--no-prefect", "--quiet")
    with made.open() as served:
        page = served.get("/c/town/v1/f/a.txt").text
        assert ">sound</span>" in page
        assert "all of it: everything was read" in page


def test_a_port_that_is_taken(town, made):
    with pytest.raises(AssertionError, match="cannot listen there"), made.open("--site-port", str(town.port)):
        pass
    with pytest.raises(AssertionError, match="from 0 to 65535"), made.open("--port", "99999"):
        pass

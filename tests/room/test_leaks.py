"""Nothing of a collection that is not shown is in any answer, and what is hidden cannot be told from what does not exist."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urljoin

import pytest

from strongroom.core.digests import Digest
from strongroom.stores.describe import init_store
from tests.room.served import TOKEN

HIDDEN = ("vault", "sleeper", "shut")
SHARED = b"Shared by an open and a hidden collection."
_LINK = re.compile(rb"""(?:href|src)=["']?([^"'> ]+)""")


def crawl(served, starts, **options):
    """Every answer that can be reached by links from `starts`, by address."""
    seen, waiting = {}, list(starts)
    while waiting:
        url = waiting.pop()
        if url in seen or not url.startswith("http"):
            continue
        seen[url] = answer = served.follow(url, **options)
        if "location" in answer.headers:
            waiting.append(urljoin(url, answer.headers["location"]))
        if answer.headers.get("content-type", "").startswith("text/html"):
            waiting += [urljoin(url, unescape(link.decode())).partition("#")[0] for link in _LINK.findall(answer.body)]
        assert len(seen) < 3000
    return seen


def test_a_crawl_and_every_search_find_no_canary(town):
    words = ("canary", "canary-vault", "same", "shared", "txt", "html", "title", "e", "collection", "vault", "-")
    searches = [f"/search?q={word}" for word in words]
    answers = crawl(town, [town.url + path for path in ("/", "/curator", *searches)])
    assert len(answers) > 60
    for url, answer in answers.items():
        body = answer.body
        if "/search" in url:  # a page says what was searched for
            word = re.search(r"q=([^&]*)", url)[1]
            for echo in (f'value="{word}"', f"<strong>{word}</strong>", f"Search: {word}"):
                body = body.replace(echo.encode(), b"")
        for word in (b"canary", *(name.encode() for name in HIDDEN)):
            assert word not in body + str(answer.headers).encode(), (url, word)
    assert "0 found" in answers[town.url + "/search?q=canary"].text


@pytest.mark.parametrize("name", HIDDEN)
def test_a_search_within_a_hidden_collection_is_as_one_within_none(town, name):
    for word in ("txt", "same", "title"):
        hidden = town.get(f"/search?q={word}&in={name}").text.replace(name, "absent")
        assert hidden == town.get(f"/search?q={word}&in=absent").text


def test_hidden_and_absent_are_answered_alike(town):
    for path in ("/c/{}", "/c/{}/v1/", "/c/{}/v1/f/same.txt", "/c/{}/v1/d/same.txt", "/c/{}/v1/f/canary-vault.html", "/c/{}/v2/", "/c/{}/"):
        absent = town.get(path.format("absent"))
        for name in HIDDEN:
            hidden = town.get(path.format(name))
            assert (hidden.status, hidden.body, sorted(hidden.headers)) == (404, absent.body, sorted(absent.headers))


@pytest.mark.parametrize("name", HIDDEN)
def test_contents_of_hidden_collections_have_no_address(town, name):
    secret = Digest.of(f"canary-{name} text".encode())
    absent = Digest.of(b"never archived")
    for path in ("/.well-known/ni/sha-256/{0.ni}", "/compare/{0.hex}/{0.hex}"):
        hidden, none = town.get(path.format(secret)), town.get(path.format(absent))
        assert (hidden.status, hidden.body) == (404, none.body)
    assert town.curator(f"/.well-known/ni/sha-256/{secret.ni}").status == 404, "by name only what everybody may see, whoever asks"


def test_what_an_open_collection_shares_is_shown_as_its_own(town):
    answer = town.get(f"/.well-known/ni/sha-256/{Digest.of(SHARED).ni}")
    assert (answer.status, answer.body) == (200, SHARED)
    page = town.get("/c/village/v1/f/shared.txt").text
    assert "same.txt" not in page
    page = town.curator("/c/village/v1/f/shared.txt").text
    assert "vault/v1: same.txt" in page


def test_the_curator_sees_all_and_why_nobody_else_does(town):
    page = town.curator("/").text
    for name in HIDDEN:
        assert f"canary-{name} collection" in page
    assert "access is restricted" in town.curator("/c/vault").text
    assert "embargoed until 2999-01-01" in town.curator("/c/sleeper").text
    assert "canary-vault text" in town.curator("/c/vault/v1/f/canary-vault/canary-vault.txt").text
    assert "/c/vault/v1/f/canary-vault.html" in town.curator("/search?q=canary-vault").text
    site = town.site("/c/vault/v1/f/canary-vault.html", Authorization=f"Bearer {TOKEN}")
    assert b"canary-vault" in town.follow(site).body, "the ticket is the curator's"


def test_the_token_opens_a_session_and_leaves_the_address(town):
    answer = town.get(f"/c/vault?token={TOKEN.replace(' ', '+')}&x=1")
    assert (answer.status, answer.headers["location"]) == (303, "/c/vault?x=1")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    session = cookie.partition(";")[0]
    assert town.get("/c/vault", Cookie=session).status == 200
    assert town.get("/c/vault", Cookie=session[:-2] + "xx").status == 404
    assert town.get("/?token=wrong").status == 401
    assert town.get("/c/vault", Authorization="Bearer wrong").status == 404
    form = f"token={TOKEN.replace(' ', '+')}".encode()
    assert town.get("/curator", method="POST", body=form).headers["set-cookie"] == cookie
    assert town.get("/curator", method="POST", body=b"token=wrong").status == 403
    assert town.get("/curator", method="POST", body=b"token=" + b"x" * 100_000).status == 413
    assert "Max-Age=0" in town.get("/curator", method="POST", body=b"leave=1").headers["set-cookie"]


def test_nothing_on_another_address_without_the_token(made):
    made.archive("town", {"a.txt": "words"})
    with made.open("--host", "0.0.0.0") as served:
        for path in ("/", "/c/town", f"/.well-known/ni/sha-256/{Digest.of(b'words').ni}"):
            assert served.get(path).status == 401
            assert served.get(path, Accept="text/html").headers.get("location") == "/curator"
            assert served.curator(path).status == 200
        assert b"words" not in served.get("/", port=served.site_port).body
        assert served.get("/", host="archive.example", Authorization=f"Bearer {TOKEN}").status == 421
    with made.open("--host", "0.0.0.0", "--name", "archive.example") as served:
        page = served.curator("/c/town/v1/f/a.txt", host=f"archive.example:{served.port}").text
        url = re.search(r'href="(http://[^"]+)"', page)[1]
        assert re.fullmatch(rf"http://archive\.example:{served.site_port}/[a-z2-7]{{32}}/a\.txt", url)
        answer = served.follow(url)
        assert answer.body == b"words"
        assert f"img-src {url.removesuffix('a.txt')} data:" in answer.headers["content-security-policy"]


def test_a_token_is_demanded_and_must_be_worth_it(made):
    for options, said in ((("--host", "0.0.0.0"), "a token is wanted"), (("--token-file", "short"), "at least 16"),
                          (("--token-file", "open"), "chmod 600"), (("--token-file", "none"), "cannot be read")):
        (made.root / "short").write_text("short\n")
        (made.root / "short").chmod(0o600)
        (made.root / "open").write_text("long enough to be a token\n")
        (made.root / "open").chmod(0o644)
        with pytest.raises(AssertionError, match=said), made.open(*options, token=False):
            pass


def test_stores_of_hidden_collections_are_not_named(made):
    secret = made.root / "canary-disk"
    init_store(str(secret))
    made.archive("town", {"a.txt": "shared words", "b.txt": "gone"})
    made.archive("vault", {"a.txt": "shared words"}, "access: {level: restricted}\n", stores=(secret,))
    secret.rename(made.root / "drawer")
    made.store.rename(made.root / "drawer too")
    with made.open() as served:
        for path in ("/", "/c/town", "/c/town/v1/f/a.txt", f"/.well-known/ni/sha-256/{Digest.of(b'shared words').ni}"):
            assert "canary" not in served.get(path).text
        assert "A store does not answer" in served.get("/").text
        assert "canary-disk" in served.curator("/").text

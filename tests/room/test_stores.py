"""Bytes come from any store that has them; names lead any BagIt tool to them; likeness leaks nothing."""

from __future__ import annotations

import hashlib
import re
import shutil

import pytest

from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import init_store
from strongroom.usecases.likeness.run import SimilarRequest, similar
from tests.room.test_damage import LARGE, run

SENTENCES = [f"The {kind} of the {place} was kept by number {number} for a while." for number in range(4)
             for kind in ("mill", "bridge", "orchard", "ferry") for place in ("north", "south", "river", "hill")]


@pytest.mark.s3
def test_from_a_bucket(made, s3_bucket):
    url = s3_bucket()
    init_store(url)
    with LocalRunner(1, quiet=True) as made.runner:  # one that knows the server
        made.archive("town", {"a.html": "<!doctype html><p>words in a bucket", "large.bin": LARGE}, stores=(url,))
    with made.open() as served:
        assert "words in a bucket" in served.get("/c/town/v1/f/a.html").text
        assert served.follow(served.site("/c/town/v1/f/a.html")).body.endswith(b"words in a bucket")
        part = served.get("/c/town/v1/d/large.bin", Range="bytes=5000000-5000099")
        assert (part.status, part.body) == (206, LARGE[5_000_000:5_000_100])


def test_fetch_txt_can_be_completed_from_the_room(made):
    made.archive("town", {"a.txt": "one", "b/c.txt": "two", "again.txt": "one", "empty": ""})
    (fetch,) = made.store.glob("bags/town/v1/*/bag/fetch.txt")
    (manifest,) = made.store.glob("bags/town/v1/*/bag/manifest-sha256.txt")
    digests = dict(reversed(line.split("  ", 1)) for line in manifest.read_text().splitlines())
    with made.open() as served:
        lines = fetch.read_text().splitlines()
        assert len(lines) == 4
        for line in lines:
            url, length, path = line.split(" ", 2)
            answer = served.get(re.sub(r"^https://[^/]+", "", url))
            assert (answer.status, len(answer.body)) == (200, int(length))
            assert hashlib.sha256(answer.body).hexdigest() == digests[path]


def test_near_copies_of_hidden_collections_are_not_told(made):
    page = "<!doctype html><title>A page</title>" + "".join(f"<p>{one}</p>" for one in SENTENCES)
    made.archive("town", {"page.html": page, "other.html": page.replace("number 3", "number 9")})
    made.archive("vault", {"canary.html": page + "<p>canary"}, "access: {level: restricted}\n")
    similar(SimilarRequest(), made.context, made.runner)
    similar(SimilarRequest(("vault",)), made.context, made.runner)
    with made.open() as served:
        answer = served.get("/c/town/v1/f/page.html")
        assert "town: other.html" in answer.text, "it is known what is near"
        assert "canary" not in answer.text
        assert "vault" not in answer.text
        mine, near = re.search(r"/compare/([0-9a-f]{64})/([0-9a-f]{64})", answer.text).groups()
        compared = served.get(f"/compare/{mine}/{near}").text
        assert "<ins>9</ins>" in compared
        assert "equal lines" in compared
        assert "vault: canary.html" in served.curator("/c/town/v1/f/page.html").text


def test_a_room_over_stores_that_are_away_or_new(made):
    second = made.root / "second"
    init_store(str(second))
    made.archive("town", {"a.txt": "words"}, stores=(made.store, second))
    run(made, "replicate", "--no-prefect", "--quiet")
    made.store.rename(made.root / "drawer")
    with made.open() as served:
        assert "words" in served.get("/c/town/v1/f/a.txt").text, "from the other store"
        assert "A store does not answer" in served.get("/").text
    second.rename(made.root / "drawer too")
    (made.root / "home/room.sqlite").unlink()
    with made.open() as served:
        assert "a.txt" in served.get("/c/town/v1/").text, "tag files are kept at home"
    (made.root / "home/room.sqlite").unlink()
    shutil.rmtree(made.root / "home/kept/bags")
    with made.open() as served:
        page = served.get("/c/town")
        assert page.status == 200
        assert "cannot be read now" in page.text

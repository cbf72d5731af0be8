"""What is damaged, withheld or out of reach is said, and never shown as sound."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote, quote_from_bytes

import pytest

from strongroom.core.digests import Digest
from strongroom.stores.describe import init_store
from tests.room.conftest import Archive
from tests.room.served import ROOT

LARGE = random.Random(7).randbytes((9 << 20) + 12345)


def spoil(path: Path, at: int) -> None:
    """Another byte at this place."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.unlink()  # a copy may be linked
    path.write_bytes(data)


def pack_of(made: Archive) -> Path:
    (pack,) = made.store.glob("packs/*/*.tar")
    return pack


def test_a_small_content_that_is_damaged(made):
    made.archive("town", {"a.html": "<p>The sound words", "b.txt": "other words"})
    pack = pack_of(made)
    spoil(pack, pack.read_bytes().index(b"sound"))
    name = Digest.of(b"<p>The sound words").ni
    with made.open() as served:
        page = served.get("/c/town/v1/f/a.html")
        assert page.status == 502
        assert "Damaged" in page.text
        assert pack.name in page.text
        assert b"words</" not in page.body
        for path in (f"/.well-known/ni/sha-256/{name}", "/c/town/v1/d/a.html"):
            answer = served.get(path)
            assert answer.status == 502
            assert b"ound words" not in answer.body
        site = served.site("/c/town/v1/f/b.txt").replace("b.txt", "a.html")
        assert (served.follow(site).status, b"words" in served.follow(site).body) == (502, False)
        assert b"other words" in served.get("/c/town/v1/f/b.txt").body, "its neighbour is sound"


def test_an_index_that_lies_does_no_harm(made):
    made.archive("town", {"a.txt": "some words"})
    (index,) = made.store.glob("packs/*/*.jsonl")
    index.unlink()
    index.write_bytes(b"{}\n")
    with made.open() as served:
        assert served.get(f"/.well-known/ni/sha-256/{Digest.of(b'some words').ni}").body == b"some words"


def test_another_store_helps(made):
    second = made.root / "second"
    init_store(str(second))
    made.archive("town", {"a.txt": "some words", "large.bin": LARGE}, stores=(made.store, second))
    run(made, "replicate", "--no-prefect", "--quiet")
    spoil(pack_of(made), 600)
    (large,) = made.store.glob("content/*/*")
    spoil(large, 5_000_000)
    with made.open() as served:
        assert served.get(f"/.well-known/ni/sha-256/{Digest.of(b'some words').ni}").body == b"some words"
        name = f"/.well-known/ni/sha-256/{Digest.of(LARGE).ni}"
        assert served.get(name).body == LARGE
        second.rename(made.root / "drawer")
        assert served.get(name, Range="bytes=4999990-5000010").status in (502, 503)
        assert served.get(name, Range="bytes=100-199").body == LARGE[100:200], "pieces that are sound"


def test_a_large_content_by_ranges(made):
    made.archive("town", {"large.bin": LARGE})
    name = f"/.well-known/ni/sha-256/{Digest.of(LARGE).ni}"
    (large,) = made.store.glob("content/*/*")
    with made.open() as served:
        for start, stop in ((0, 1), ((1 << 20) - 1, (1 << 20) + 1), (8_000_000, 9_300_000), (len(LARGE) - 1, len(LARGE))):
            part = served.get(name, Range=f"bytes={start}-{stop - 1}")
            assert (part.status, part.body == LARGE[start:stop]) == (206, True)
        spoil(large, 3 << 20)  # after it was verified whole
        assert served.get(name, Range=f"bytes={3 << 20}-{(3 << 20) + 9}").status == 502
        assert served.get("/c/town/v1/d/large.bin", Range="bytes=0-9").body == LARGE[:10]
        with pytest.raises(Exception, match=r"IncompleteRead|incomplete|reset|closed"):
            served.get(name)  # begins well, and breaks off before the damaged piece


def test_a_large_content_that_is_damaged_from_the_start(made):
    made.archive("town", {"large.bin": LARGE})
    (large,) = made.store.glob("content/*/*")
    spoil(large, len(LARGE) - 1)
    with made.open() as served:
        assert served.get(f"/.well-known/ni/sha-256/{Digest.of(LARGE).ni}", Range="bytes=0-9").status == 502


def test_a_store_that_is_away_says_nothing_about_its_contents(made):
    made.archive("town", {"a.txt": "some words"})
    with made.open() as served:
        made.store.rename(made.root / "drawer")
        page = served.get("/c/town/v1/f/a.txt")
        assert page.status == 503
        assert "does not answer" in page.text or "Out of reach" in page.text
        assert "Damaged" not in page.text
        assert "words" not in page.text


def test_withheld_contents_are_gone_at_once(made):
    made.archive("town", {"a.txt": "words that must go", "b.txt": "words that stay"})
    name = f"/.well-known/ni/sha-256/{Digest.of(b'words that must go').ni}"
    with made.open() as served:
        assert served.get(name).status == 200
        site = served.site("/c/town/v1/f/a.txt")
        run(made, "withhold", "town", "--path", "a.txt", "--reason", "asked for by Ottilie", "--yes")
        until(lambda: served.get(name).status == 410)
        assert b"must go" not in served.get(name).body
        page = served.get("/c/town/v1/f/a.txt")
        assert "asked for by Ottilie" in page.text
        assert "must go" not in page.text
        assert served.follow(site).status == 410
        assert served.get("/c/town/v1/d/a.txt").status == 410
        assert b"words that stay" in served.get("/c/town/v1/f/b.txt").body


def test_what_becomes_restricted_is_gone_at_once_and_new_versions_appear(made):
    made.archive("town", {"a.txt": "words"})
    with made.open() as served:
        site = served.site("/c/town/v1/f/a.txt")
        assert served.follow(site).status == 200
        made.archive("town", {"b.txt": "more"})
        until(lambda: served.get("/c/town/v2/f/b.txt").status == 200)
        manifest = made.root / "town.yaml"
        manifest.write_text(manifest.read_text() + "access: {level: restricted}\n")
        until(lambda: served.get("/c/town").status == 404)
        assert served.follow(site).status == 404, "the ticket that the public was given"
        assert served.get(f"/.well-known/ni/sha-256/{Digest.of(b'words').ni}").status == 404
        assert served.curator("/c/town/v1/f/a.txt").status == 200


def test_names_of_every_kind(made):
    names = ["50% & <b>.txt", "a?b=c.html", "ünï/日本.txt", "line\nbreak.txt", "back\\slash.txt", "#hash.txt", " space .txt", "x;y.txt"]
    made.archive("town", {name: f"text of {number}" for number, name in enumerate(names)})
    raw = made.source("town")
    descriptor = os.open(os.fsencode(raw) + b"/caf\xe9.txt", os.O_CREAT | os.O_WRONLY)
    os.write(descriptor, b"latin name")
    os.close(descriptor)
    os.symlink("50% & <b>.txt", raw / "link.txt")
    os.symlink("../../../../etc/passwd", raw / "out.txt")
    made.archive("town")
    with made.open() as served:
        root = served.get("/c/town/v2/").text
        assert "<b>" not in root
        for number, name in enumerate(names):
            assert f"text of {number}" in served.get("/c/town/v2/f/" + quote(name)).text
        assert "latin name" in served.get("/c/town/v2/f/" + quote_from_bytes(b"caf\xe9.txt")).text
        base = served.site("/c/town/v2/f/x%3By.txt").removesuffix("x%3By.txt")
        assert served.follow(base + "caf%E9.txt").body == b"latin name"
        assert served.follow(base + "a?b=c.html").body == b"text of 1", "as a mirror names it"
        link = served.follow(base + "link.txt")
        assert (link.status, served.follow(base.rstrip("/") + link.headers["location"]).body) == (302, b"text of 0")
        assert served.follow(base + "out.txt").status == 404
        assert "../../../../etc/passwd" in served.get("/c/town/v2/f/out.txt").text


def run(made: Archive, *arguments: str) -> None:
    environment = {**os.environ, "STRONGROOM_HOME": str(made.root / "home"), "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    command = [sys.executable, "-m", "strongroom", *arguments]
    subprocess.run(command, check=True, env=environment, cwd=made.root, stdout=subprocess.DEVNULL)


def until(condition) -> None:
    """What is known is looked up again some seconds after it was asked for."""
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.5)


def test_the_index_is_only_a_cache(made):
    made.archive("town", {"a.txt": "words"})
    with made.open() as served:
        assert served.get("/c/town/v1/f/a.txt").status == 200
    (made.root / "home/room.sqlite").write_bytes(b"no database")
    with made.open() as served:
        assert served.get("/c/town/v1/f/a.txt").status == 200


def test_an_empty_folder_where_a_disk_was_is_no_loss(made):
    made.archive("town", {"a.txt": "some words", "large.bin": LARGE})
    with made.open() as served:
        name = f"/.well-known/ni/sha-256/{Digest.of(LARGE).ni}"
        assert served.get(name, Range="bytes=0-9").status == 206
        made.store.rename(made.root / "drawer")
        made.store.mkdir()
        for path in ("/c/town/v1/f/a.txt", name):
            answer = served.get(path, Range="bytes=0-9")
            assert answer.status == 503
            assert b"says nothing about" in answer.body


def test_metadata_of_any_shape(made):
    deep = "[" * 300 + "1" + "]" * 300
    made.archive("town", {
        "a.txt": "words", "b.txt": "more",
        "metadata.jsonl": f'{{"filename": "a.txt", "deep": {deep}}}\n{{"filename": "b.txt", "x": {{"y": ["<i>", 1.5, null]}}}}\n',
    }, "metadata: {on_invalid: flag}\n")
    with made.open() as served:
        assert served.get("/c/town/v1/f/a.txt").status == 200
        page = served.get("/c/town/v1/f/b.txt").text
        assert "&lt;i&gt;" in page
        assert "<i>" not in page

"""Bags, and what is restored of them, are the same whatever hashes them."""

from __future__ import annotations

import hashlib
import os
import random
from pathlib import Path

import pytest

from strongroom.hashing import many
from strongroom.hashing.ipsec_mb import MultiBuffer
from strongroom.hashing.many import Choice
from strongroom.stores.describe import init_store
from strongroom.usecases.context import Context
from strongroom.usecases.restore.request import RestoreRequest
from strongroom.usecases.restore.run import restore
from tests.archive.conftest import Site
from tests.restore.conftest import InlineRunner

WITHOUT = Choice(None, frozenset(), "a test")
TAG_FILES = ("manifest-sha256.txt", "manifest-sha512.txt", "fetch.txt", "metadata/duplicates.jsonl")


def make(root, settings):
    root.mkdir()
    site = Site(root, InlineRunner(), f"identify: false\n{settings}")
    site.source.mkdir()
    init_store(str(site.store))
    rng = random.Random(30)
    for number in range(250):
        length = rng.choice([0, 1, 55, 56, 64, 111, 112, 119, 128, rng.randrange(20_000), 65_535, 70_000])
        site.write(f"{number % 7}/{number}", b"%d " % (number % 200) * (length // 3) + rng.randbytes(length % 3))
    return site


@pytest.mark.parametrize("lanes", ["real", "0x20002"], indirect=True)
@pytest.mark.parametrize("settings", ["", "compression: zstd\n"])
def test_an_archive_and_a_restore(tmp_path, chosen, monkeypatch, settings):
    calls = []
    monkeypatch.setattr(MultiBuffer, "digests", lambda self, *args, real=MultiBuffer.digests: calls.append(args[1]) or real(self, *args))
    sites = [make(tmp_path / name, settings) for name in ("with", "without")]
    for site, choice in zip(sites, (many.choice(), WITHOUT), strict=True):
        calls.clear()
        monkeypatch.setattr(many, "_choice", choice)
        site.run()
        assert (set(calls) == {"sha256", "sha512"}) is (choice is not WITHOUT)
        calls.clear()
        done = restore(RestoreRequest("site", site.root / "out", payload_only=True), Context(site.root / "home"), site.runner)
        assert done.complete
        assert (set(calls) == {"sha256"}) is (choice is not WITHOUT)
        for path in site.source.rglob("*"):
            if path.is_file():
                assert (site.root / "out" / path.relative_to(site.source)).read_bytes() == path.read_bytes()
    assert many.choice() is WITHOUT
    if not settings:
        assert sites[0].payload(1) == sites[1].payload(1)  # which looks at every digest
    for name in TAG_FILES:
        assert (sites[0].bag(1) / name).read_bytes() == (sites[1].bag(1) / name).read_bytes()
    packs = [sorted(path.name for path in site.store.glob("packs/*/*.tar*")) for site in sites]
    assert packs[0] == packs[1] and packs[0]


@pytest.mark.parametrize("lanes", ["0x20002"], indirect=True)
@pytest.mark.parametrize("settings", ["", "compression: zstd\n"])
def test_damage_costs_the_same_contents(tmp_path, chosen, settings):
    site = make(tmp_path / "site", settings)
    site.run()
    (pack, *_) = sorted(site.store.glob("packs/*/*.tar*"))
    data = bytearray(pack.read_bytes())
    data[60 if settings else data.index(b"100 100 ")] ^= 1  # in the first frame, or in a content
    os.chmod(pack, 0o644)
    pack.write_bytes(data)
    done = restore(RestoreRequest("site", tmp_path / "out", payload_only=True), Context(site.root / "home"), site.runner)
    assert not done.complete and done.result
    written = {path.name: path for path in Path(done.result).rglob("*") if path.is_file()}
    source = {path.name: path for path in site.source.rglob("*") if path.is_file()}
    lost = {name for name in source if name not in written}
    assert lost and len(lost) < 200
    kept = {hashlib.sha256(source[name].read_bytes()).digest() for name in source.keys() - lost}
    assert all(written[name].read_bytes() == source[name].read_bytes() for name in source.keys() - lost)
    assert not kept & {hashlib.sha256(source[name].read_bytes()).digest() for name in lost}

"""Hashes that run beside the reading see every byte, in order, and what fails in one is not lost."""

from __future__ import annotations

import hashlib
import os
import random
import threading
from functools import partial

import pytest

from strongroom.usecases import streams
from strongroom.usecases.archive.reading import HashingReader
from strongroom.usecases.streams import Pieces, SideBySide


@pytest.mark.parametrize("long", [0, 100_000, 1 << 30])
def test_every_hash_sees_every_byte_though_buffers_take_turns(monkeypatch, long):
    monkeypatch.setattr(streams, "LONG", long)
    data, at, chance = os.urandom(1_000_003), 0, random.Random(1)
    hashes = [hashlib.sha256(), hashlib.sha512(), Pieces(70_000)]
    buffer, other = memoryview(bytearray(90_000)), memoryview(bytearray(90_000))
    with SideBySide(hashes) as running:
        while at < len(data):
            size = min(chance.randrange(1, 90_000), len(data) - at)
            buffer[:size] = data[at : at + size]
            running.update(buffer[:size])
            at += size
            buffer, other = other, buffer
    assert hashes[0].digest() == hashlib.sha256(data).digest()
    assert hashes[1].digest() == hashlib.sha512(data).digest()
    assert hashes[2].digests() == [hashlib.sha256(data[at : at + 70_000]).hexdigest() for at in range(0, len(data), 70_000)]


@pytest.mark.parametrize(("size", "count"), [(0, 0), (1, 1), (10, 1), (11, 2), (20, 2)])
def test_a_last_piece_may_be_shorter_and_is_never_empty(size, count):
    pieces = Pieces(10)
    pieces.update(bytes(size))
    assert len(pieces.digests()) == count


def test_a_hash_that_fails_is_heard_and_no_thread_is_left(monkeypatch):
    class Failing:
        def update(self, data):
            raise MemoryError("no room")

    monkeypatch.setattr(streams, "LONG", 0)
    before = set(threading.enumerate())
    with pytest.raises(MemoryError, match="no room"), SideBySide([hashlib.sha256(), Failing()]) as running:
        running.update(b"one")
        running.update(b"two")
    assert set(threading.enumerate()) <= before  # some of other tests may have ended meanwhile


def test_a_file_is_read_with_all_its_digests_at_any_length(monkeypatch, tmp_path):
    monkeypatch.setattr(streams, "LONG", 1000)
    data = os.urandom(300_001)
    (tmp_path / "file").write_bytes(data)
    for size in (7_000, 300_001, -1):
        descriptor = os.open(tmp_path / "file", os.O_RDONLY)
        with HashingReader(partial(os.read, descriptor), ["sha256", "sha512"], 100_000) as reader:
            assert b"".join(iter(lambda reader=reader, size=size: reader.read(size), b"")) == data
            assert reader.digest("sha512") == hashlib.sha512(data).digest()
        os.close(descriptor)
        assert (reader.length, len(reader.pieces)) == (300_001, 4)

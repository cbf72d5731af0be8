"""Compressed packs: tar --zstd reads them, each frame stands alone, and no frame takes more memory than the format allows."""

from __future__ import annotations

import random
import subprocess

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError
from strongroom.core.frames import FRAME_LIMIT, FRAME_SIZE, Compressor, FramePackBuilder, expand, frame_length, members_of
from strongroom.core.pack import PACK_SIZE, Frame, parse_index
from strongroom.usecases.framing import split
from strongroom.usecases.packcheck import check_bytes

TEXTS = [b"page %d " % number * (number * 10) for number in range(120)]


def build(contents):
    builder = FramePackBuilder()
    for data in contents:
        builder.add(Digest.of(data), data)
    return builder.finish()


def frames(stored):
    return sorted({(m.frame.offset, m.frame.length) for m in stored})


def pieces(data, size=1000):
    """A reader that gives a little at a time."""
    parts = iter([data[at : at + size] for at in range(0, len(data), size)])
    return lambda _: bytes(next(parts, b""))


def test_tar_reads_a_compressed_pack(tmp_path):
    stored, index, digest, members = build(TEXTS)
    assert digest == Digest.of(stored) and parse_index(index) == members
    (tmp_path / "p.tar.zst").write_bytes(stored)
    subprocess.run(["tar", "--zstd", "-xf", "p.tar.zst"], cwd=tmp_path, check=True)
    assert all((tmp_path / Digest.of(data).hex).read_bytes() == data for data in TEXTS)
    assert (tmp_path / "index.jsonl").read_bytes() == index


def test_each_frame_is_a_tar_of_whole_members_and_holds_at_most_256_kib(tmp_path):
    stored, _, _, members = build(TEXTS)
    assert len(frames(members)) == 3
    for number, (offset, length) in enumerate(frames(members)):
        content = expand(bytes(stored[offset : offset + length]))
        assert len(content) <= FRAME_SIZE
        (tmp_path / f"{number}.tar").write_bytes(content)
        listed = subprocess.run(["tar", "-tf", f"{number}.tar"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout.split()
        assert listed == [m.digest.hex for m in members if m.frame == Frame(offset, length)]


def test_a_member_longer_than_a_frame_has_one_for_itself():
    long = b"x" * (FRAME_SIZE + 1)
    _, _, _, members = build([TEXTS[1], long, TEXTS[2]])
    assert [m.length for m in members if m.frame == members[1].frame] == [len(long)]


def test_a_pack_closes_by_the_size_of_its_tar():
    builder = FramePackBuilder()
    assert builder.has_room(PACK_SIZE + 1)
    builder.add(Digest.of(b"x"), b"x")
    assert builder.has_room(PACK_SIZE - 3 * 512) and not builder.has_room(PACK_SIZE - 3 * 512 + 1)


def test_what_shrinks_is_told_from_what_does_not():
    compressor = Compressor()
    assert compressor.shrinks(TEXTS[50]) and compressor.shrinks(b"") and compressor.shrinks(b"tiny")
    assert not compressor.shrinks(random.Random(1).randbytes(5000))


@given(st.lists(st.binary(max_size=3000) | st.integers(0, 400_000).map(lambda size: b"ab" * size), max_size=12, unique=True),
       st.integers(1, 5000))
@settings(max_examples=40)
def test_whatever_goes_in_comes_out_by_index_and_by_headers(contents, size):
    stored, index, digest, members = build(contents)
    for member, data in zip(parse_index(index), contents, strict=True):
        content = expand(bytes(stored[member.frame.offset : member.frame.offset + member.frame.length]))
        assert content[member.offset : member.offset + member.length] == data
    taken = (members_of(content, Frame(offset, length)) for offset, length, content in split(pieces(stored, size)))
    found = [one for frame in taken for _, one, _ in frame if one]
    assert found == members
    check = check_bytes(bytes(stored))
    assert (check.digest, check.whole, check.plain, check.framed, check.damaged) == (digest, True, True, tuple(members), ())
    assert check.index() == index


def test_a_flip_anywhere_costs_its_own_frame_at_most():
    stored, _, _, members = build(TEXTS)
    spread = range(0, len(stored), max(1, len(stored) // 400))
    for at in [*spread, *(offset for offset, _ in frames(members)), *(offset + 5 for offset, _ in frames(members))]:
        hurt = bytearray(stored)
        hurt[at] ^= 0x10
        check = check_bytes(bytes(hurt))
        lost = {m.digest for m in members} - {digest for digest, _ in check.sound}
        assert lost <= {m.digest for m in members if m.frame.offset <= at < m.frame.offset + m.frame.length}, at
        assert check.digest != Digest.of(stored)
        assert not (check.plain and lost)


@pytest.mark.parametrize("hole", [1, 3, 100])
def test_bytes_that_are_missing_or_strange_are_passed_over(hole):
    stored, _, _, members = build(TEXTS)
    second = frames(members)[1][0]
    for hurt in (stored[:second] + b"\x28\xb5\x2f\xfd" * hole + stored[second:], stored[: second - hole] + stored[second:]):
        check = check_bytes(bytes(hurt))
        assert not check.whole
        assert {digest for digest, _ in check.sound} >= {m.digest for m in members if m.frame.offset >= second}
    assert not check_bytes(bytes(stored[:-10])).whole
    assert check_bytes(b"").sound == ()


def test_a_pack_with_more_in_it_than_its_index_says_is_not_plain():
    stored, _, _, _ = build(TEXTS)
    skippable = b"\x50\x2a\x4d\x18" + (6).to_bytes(4, "little") + b"secret"
    hidden = bytes(expand(bytes(stored[: frame_length(stored)])))
    more = zstandard.ZstdCompressor().compress(hidden)
    for extra in (skippable, more):
        assert not check_bytes(bytes(stored) + extra).plain
        assert not check_bytes(extra + bytes(stored)).plain


def frame_of(**options):
    return lambda data: zstandard.ZstdCompressor(**options).compress(data)


@pytest.mark.parametrize("frame", [
    frame_of()(bytes(FRAME_LIMIT + 1)),
    frame_of(write_content_size=False)(b"no size" * 100),
    b"\x28\xb5\x2f\xfd" + b"\xe0" + (1 << 50).to_bytes(8, "little") + b"\x01\x00\x00",  # says a petabyte, holds nothing
    b"\x28\xb5\x2f\xfd" + b"\x80" + b"\xff" + (1000).to_bytes(4, "little") + b"\x03\x00\x80",  # a window of 3.75 TB
    b"\x28\xb5\x2f\xfd",
    b"",
    b"not a frame",
], ids=["bomb", "no size", "petabyte", "window", "torn", "empty", "text"])
def test_frames_nobody_should_expand_are_refused(frame):
    with pytest.raises(InvalidValueError):
        expand(frame)
    assert check_bytes(frame).sound == ()


def test_a_frame_is_measured_without_expanding_it():
    for data in (b"", b"a", bytes(300_000), random.Random(2).randbytes(300_000)):
        for compress in (frame_of(), frame_of(write_checksum=True), frame_of(write_content_size=False)):
            frame = compress(data)
            assert frame_length(frame + b"what follows") == len(frame)
            assert all(frame_length(frame[:cut]) is None for cut in range(1, min(len(frame), 50)))
    with pytest.raises(InvalidValueError):
        frame_length(b"\x28\xb5\x2f\xfd\x00\x58" + b"\xfc\xff\xff" * 10)  # blocks of two MiB

"""Packs are tars that the system's own tools read, named by their bytes, indexed, and readable without the index."""

import contextlib
import hashlib
import io
import subprocess
import tarfile

import pytest

from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError
from strongroom.core.pack import BLOCK, INDEX_NAME, PACK_SIZE, Member, PackBuilder, member_header, parse_header, parse_index

CONTENTS = [b"", b"a", b"b" * 511, b"c" * 512, b"d" * 513, bytes(range(256)) * 100]


def build(contents):
    builder = PackBuilder()
    for data in contents:
        builder.add(Digest.of(data), data)
    return builder.finish()


def _scan_members(tar):
    """The members of a whole pack in memory, by its headers alone. Stops where the tar stops making sense."""
    at = 0
    while at + BLOCK <= len(tar):
        try:
            header = parse_header(tar[at : at + BLOCK])
        except InvalidValueError:
            return
        if header is None:
            return
        name, length = header
        at += BLOCK
        if at + length > len(tar):
            return
        if name != INDEX_NAME:
            with contextlib.suppress(InvalidValueError):
                yield Member(Digest(name), at, length)
        at += length + -length % BLOCK


def test_tar_reads_a_pack_and_every_member_is_named_by_its_digest(tmp_path):
    tar, index, digest, _ = build(CONTENTS)
    assert digest.hex == hashlib.sha256(tar).hexdigest()
    (tmp_path / "p.tar").write_bytes(tar)
    subprocess.run(["tar", "-xf", "p.tar"], cwd=tmp_path, check=True)
    for data in CONTENTS:
        assert (tmp_path / Digest.of(data).hex).read_bytes() == data
    assert (tmp_path / "index.jsonl").read_bytes() == index
    with tarfile.open(fileobj=io.BytesIO(bytes(tar))) as reference:
        assert [m.name for m in reference.getmembers()][-1] == "index.jsonl"
        assert {(m.mode, m.uid, m.gid, m.mtime) for m in reference} == {(0o444, 0, 0, 0)}


def test_index_and_headers_agree():
    tar, index, _, members = build(CONTENTS)
    assert parse_index(index) == members == list(_scan_members(memoryview(tar)))
    for member in members:
        assert Digest.of(tar[member.offset : member.offset + member.length]) == member.digest


def test_equal_members_give_an_equal_pack():
    assert build(CONTENTS)[2] == build(CONTENTS)[2]


def test_a_pack_closes_before_its_limit_but_takes_any_first_member():
    builder = PackBuilder()
    assert builder.has_room(PACK_SIZE + 1)
    builder.add(Digest.of(b"x"), b"x")
    assert builder.has_room(PACK_SIZE - 3 * 512)
    assert not builder.has_room(PACK_SIZE - 3 * 512 + 1)


def test_headers_count_so_that_a_pack_of_empty_files_is_bounded_too():
    builder = PackBuilder()
    number = 0
    while builder.has_room(0):
        builder.add(Digest.of(b"%d" % number), b"")
        number += 1
    assert number == PACK_SIZE // 512


def test_every_altered_byte_of_an_index_is_noticed_or_harmless():
    _, index, _, members = build(CONTENTS[:3])
    for at in range(len(index)):
        altered = bytearray(index)
        altered[at] ^= 1
        with contextlib.suppress(InvalidValueError):
            assert parse_index(bytes(altered)) == members
    with pytest.raises(InvalidValueError):
        parse_index(index[:-1000] if len(index) > 1000 else index[10:])
    with pytest.raises(InvalidValueError):
        parse_index(b"")


def test_headers_of_links_and_folders_are_refused():
    for kind in (b"1", b"2", b"5", b"L", b"x"):
        header = bytearray(member_header(b"a" * 64, 0))
        header[156:157] = kind
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        with pytest.raises(InvalidValueError):
            parse_header(header)
    with pytest.raises(InvalidValueError):
        parse_header(member_header(b"a/b", 0))


def test_scanning_a_torn_tar_gives_the_whole_members_only():
    tar, _, _, members = build(CONTENTS)
    cut = members[3].offset + 100
    assert list(_scan_members(memoryview(tar)[:cut])) == members[:3]

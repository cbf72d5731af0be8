"""Tars and zips built byte by byte, so that anything can be wrong with them."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


def header(
    name: bytes, size: int = 0, kind: bytes = b"0", *, size_field: bytes | None = None, prefix: bytes = b"", link: bytes = b"",
    magic: bytes = b"ustar\x0000", checksum: int | None = None,
) -> bytes:
    """One tar header block."""
    field = b"%011o\0" % size if size_field is None else size_field
    block = bytearray(
        name.ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + field + b"%011o\0" % 1_000_000_000 + b" " * 8 + kind
        + link.ljust(100, b"\0") + magic + bytes(32) * 2 + b"0000000\0" * 2 + prefix.ljust(155, b"\0") + bytes(12)
    )
    assert len(block) == 512
    block[148:156] = b"%06o\0 " % (sum(block) if checksum is None else checksum)
    return bytes(block)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def member(name: bytes, data: bytes = b"", kind: bytes = b"0", **how: object) -> bytes:
    return header(name, len(data), kind, **how) + padded(data)  # type: ignore[arg-type]


def pax(kind: bytes = b"x", **records: bytes) -> bytes:
    """An extended header; a double underscore in a key is a full stop."""
    data = b"".join(record(key.replace("__", ".").encode(), value) for key, value in records.items())
    return member(b"PaxHeaders/x", data, kind)


def record(key: bytes, value: bytes) -> bytes:
    length = len(key) + len(value) + 3
    while len(b"%d" % length) + len(key) + len(value) + 3 != length:
        length += 1
    return b"%d %s=%s\n" % (length, key, value)


END = bytes(1024)


def tar_of(folder: Path, top: str = "bag") -> bytes:
    """The members of a bag on disk, without the end."""
    parts = [member(f"{top}/".encode(), kind=b"5")]
    for path in sorted(folder.rglob("*")):
        name = f"{top}/{path.relative_to(folder)}".encode()
        parts.append(member(name + b"/", kind=b"5") if path.is_dir() else member(name, path.read_bytes()))
    return b"".join(parts)


@dataclass
class Entry:
    """A zip member. Fields that are given lie; the others are as the data have them."""

    name: bytes
    data: bytes = b""
    method: int = 8
    flags: int = 0
    mode: int = 0o100644
    size: int | None = None  # as announced, in both headers
    packed_size: int | None = None
    crc: int | None = None
    local_name: bytes | None = None
    local_size: int | None = None
    local_flags: int | None = None
    local_method: int | None = None
    packed: bytes | None = None
    offset: int | None = None
    disk: int = 0
    extra: bytes = b""


def zipped(
    entries: Iterable[Entry], *, count: int | None = None, before: bytes = b"", after: bytes = b"", directory_shift: int = 0,
    disk: int = 0, directory_extra: bytes = b"", comment: bytes = b"", gap: bytes = b"",
) -> bytes:
    out, directory, number = before, b"", 0
    for entry in entries:
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = entry.packed
        if packed is None:
            packed = deflate.compress(entry.data) + deflate.flush() if entry.method == 8 else entry.data
        size = len(entry.data) if entry.size is None else entry.size
        packed_size = len(packed) if entry.packed_size is None else entry.packed_size
        crc = zlib.crc32(entry.data) if entry.crc is None else entry.crc
        offset = len(out) if entry.offset is None else entry.offset
        local = entry.name if entry.local_name is None else entry.local_name
        if entry.offset is None:
            out += struct.pack(
                "<4s5H3L2H", b"PK\3\4", 20, entry.flags if entry.local_flags is None else entry.local_flags,
                entry.method if entry.local_method is None else entry.local_method, 0, 0x21, crc, packed_size,
                size if entry.local_size is None else entry.local_size, len(local), 0,
            ) + local + packed
        directory += struct.pack(
            "<4s6H3L5H2L", b"PK\1\2", 3 << 8 | 20, 20, entry.flags, entry.method, 0, 0x21, crc, packed_size, size, len(entry.name),
            len(entry.extra), 0, entry.disk, 0, entry.mode << 16, offset,
        ) + entry.name + entry.extra
        number += 1
    out += gap
    directory += directory_extra
    number = number if count is None else count
    end = struct.pack("<4s4H2LH", b"PK\5\6", disk, disk, number, number, len(directory), len(out) + directory_shift, len(comment))
    return out + directory + end + comment + after


def zip_of(folder: Path, top: str = "bag") -> list[Entry]:
    """The files of a bag on disk."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [Entry(f"{top}/{path.relative_to(folder)}".encode(), path.read_bytes()) for path in files]


def rebagged(bag: Path, changed: dict[str, bytes]) -> Path:
    """The bag with these tag files in place of its own, and tag manifests that agree."""
    for name, data in changed.items():
        (bag / name).chmod(0o644)
        (bag / name).write_bytes(data)
    for manifest in bag.glob("tagmanifest-*.txt"):
        algorithm = manifest.stem.partition("-")[2]
        paths = [line.partition("  ")[2] for line in manifest.read_text().splitlines()]
        manifest.chmod(0o644)
        manifest.write_text("".join(f"{hashlib.new(algorithm, (bag / path).read_bytes()).hexdigest()}  {path}\n" for path in paths))
    return bag

"""Unpacking a zip, member by member, each within what its directory entry says of it."""

from __future__ import annotations

import sqlite3
import stat
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from strongroom.unpacking.limits import Limits, UnpackError
from strongroom.unpacking.names import member_path
from strongroom.unpacking.staging import Staging
from strongroom.unpacking.streams import CHUNK, inflated
from strongroom.unpacking.zip_directory import Entry, entries, find_directory, read_at

_LOCAL: Final = struct.Struct("<4s5H3L2H")
_KINDS: Final = {stat.S_IFLNK: "is a symbolic link", stat.S_IFIFO: "is a FIFO", stat.S_IFCHR: "is a device", stat.S_IFBLK: "is a device",
                 stat.S_IFSOCK: "is a socket"}


def unpack_zip(descriptor: int, length: int, staging: Staging, index: Path, limits: Limits, advance: Callable[[int], None]) -> None:
    """Write the members of the zip of `length` bytes below the staging folder. Raises UnpackError at the first that is refused.

    `index`: a file to keep the places of members in; no two may overlap. `advance` is told of packed bytes.
    """
    directory = find_directory(descriptor, length)
    if not directory.entries:
        raise UnpackError("", "the zip is empty")
    if directory.entries > limits.files:
        raise UnpackError("", f"has {directory.entries:,} members; at most {limits.files:,} are taken (--max-files)")
    places = _Places(index)
    try:
        for entry in entries(descriptor, directory):  # before the first byte is unpacked
            places.add(entry, _data_offset(descriptor, entry) + entry.packed)
        places.check(directory.offset)
    finally:
        places.close()
    for entry in entries(descriptor, directory):
        staging.count(entry.text)
        _member(descriptor, entry, staging, limits)
        advance(entry.packed)


def _member(descriptor: int, entry: Entry, staging: Staging, limits: Limits) -> None:
    kind = stat.S_IFMT(entry.mode)
    if kind in _KINDS:
        raise UnpackError(entry.text, f"{_KINDS[kind]}; a bag holds regular files and folders alone")
    if "\\" in entry.text:
        raise UnpackError(entry.text, "has a backslash in its name, which some programs take for a separator")
    folder = entry.text.endswith("/")
    if folder != (kind == stat.S_IFDIR) and kind:
        raise UnpackError(entry.text, "is a folder by its name or by its mode, and not by both")
    path = member_path(entry.text.encode().rstrip(b"/") if folder else entry.text.encode(), limits)
    if folder:
        if entry.size:
            raise UnpackError(entry.text, "is a folder that announces data")
        staging.folder(path)
        return
    packed = _packed(descriptor, entry)
    if entry.method == 0 and entry.packed != entry.size:
        raise UnpackError(entry.text, f"is stored and announces {entry.size:,} bytes, but has {entry.packed:,}")
    chunks = inflated(packed, entry.size, entry.text, limits) if entry.method else packed
    staging.file(path, entry.size, _checked(chunks, entry), executable=bool(entry.mode & 0o100), mtime=entry.mtime)


def _data_offset(descriptor: int, entry: Entry) -> int:
    """Where its data begin. The local header must say the same as the directory."""
    fixed = read_at(descriptor, _LOCAL.size, entry.offset)
    if len(fixed) < _LOCAL.size or fixed[:4] != b"PK\3\4":
        raise UnpackError(entry.text, "is not where the directory says")
    _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack(fixed)
    if flags & 0x2041:
        raise UnpackError(entry.text, "is encrypted")
    if read_at(descriptor, name_length, entry.offset + _LOCAL.size) != entry.name or method != entry.method:
        raise UnpackError(entry.text, "has another name or method in its own header than in the directory")
    told = not flags & 8  # otherwise sizes and checksum follow the data
    wide = 0xFFFFFFFF in (packed, size)
    if told and (crc != entry.crc or (not wide and (packed, size) != (entry.packed, entry.size))):
        raise UnpackError(entry.text, "has other sizes or another checksum in its own header than in the directory")
    return entry.offset + _LOCAL.size + int(name_length) + int(extra_length)


def _packed(descriptor: int, entry: Entry) -> Iterator[bytes]:
    at, left = _data_offset(descriptor, entry), entry.packed
    while left:
        chunk = read_at(descriptor, min(left, CHUNK), at)
        if not chunk:
            raise UnpackError(entry.text, "is cut short")
        at += len(chunk)
        left -= len(chunk)
        yield chunk


def _checked(chunks: Iterator[bytes], entry: Entry) -> Iterator[bytes]:
    crc = 0
    for chunk in chunks:
        crc = zlib.crc32(chunk, crc)
        yield chunk
    if crc != entry.crc:
        raise UnpackError(entry.text, "does not have the checksum (CRC-32) that the zip says")


class _Places:
    """Where members lie. Members that share bytes are how a small zip becomes a large one."""

    def __init__(self, index: Path) -> None:
        self._db = sqlite3.connect(index, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;")
        self._db.execute("CREATE TABLE places (first INTEGER, next INTEGER, name TEXT)")
        self._db.execute("BEGIN")

    def add(self, entry: Entry, end: int) -> None:
        if end >= 1 << 62:
            raise UnpackError(entry.text, "announces an impossible size")
        self._db.execute("INSERT INTO places VALUES (?, ?, ?)", (entry.offset, end, entry.text[:200]))

    def check(self, directory: int) -> None:
        last_end, last = 0, ""
        for first, end, name in self._db.execute("SELECT first, next, name FROM places ORDER BY first"):
            if first < last_end:
                raise UnpackError(name, f"shares bytes with {last}")
            last_end, last = end, name
        if last_end > directory:
            raise UnpackError(last, "reaches into the directory of the zip")

    def close(self) -> None:
        self._db.close()

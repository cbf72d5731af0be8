"""The central directory of a zip (APPNOTE 6.3.10), read entry by entry."""

from __future__ import annotations

import calendar
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from strongroom.unpacking.limits import UnpackError

_END: Final = struct.Struct("<4s4H2LH")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64: Final = struct.Struct("<4sLQL")
_ENTRY: Final = struct.Struct("<4s6H3L5H2L")
_LONGEST_COMMENT: Final = 65_535
_METHODS: Final = {0: "stored", 8: "deflated"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One member as the central directory describes it."""

    name: bytes
    text: str  # the name in Unicode
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    mode: int  # of Unix, 0 if none was given
    mtime: int | None
    offset: int  # of its local header


def read_at(descriptor: int, size: int, offset: int) -> bytes:
    data = os.pread(descriptor, size, offset)
    while 0 < len(data) < size and (more := os.pread(descriptor, size - len(data), offset + len(data))):
        data += more
    return data


@dataclass(frozen=True, slots=True)
class Directory:
    """Where the central directory lies, and how many entries it has."""

    offset: int
    size: int
    entries: int


def find_directory(descriptor: int, length: int) -> Directory:
    """The central directory, which must lie right before the records that end the file. Raises UnpackError."""
    tail_at = max(0, length - _LONGEST_COMMENT - _END.size)
    tail = read_at(descriptor, length - tail_at, tail_at)
    found = [at for at in _occurrences(tail) if at + _END.size + _END.unpack_from(tail, at)[7] == len(tail)]
    if not found:
        raise UnpackError("", "is no zip, or one that is cut short: the record that ends its directory is missing")
    if len(found) > 1:
        raise UnpackError("", "has two records that end its directory, of which programs choose differently")
    _, disk, start_disk, here, entries, size, offset, _ = _END.unpack_from(tail, found[0])
    end_at = tail_at + found[0]
    if 0xFFFF in (disk, start_disk, here, entries) or 0xFFFFFFFF in (size, offset):
        end_at, disk, start_disk, here, entries, size, offset = _end64(descriptor, end_at)
    if disk or start_disk or here != entries:
        raise UnpackError("", "is one of several volumes")
    if offset + size != end_at:
        raise UnpackError("", "its directory does not lie where its last record says: bytes were put before, between or after")
    return Directory(offset, size, entries)


def entries(descriptor: int, directory: Directory) -> Iterator[Entry]:
    """Every entry in order; the directory must hold exactly as many as announced. Raises UnpackError."""
    at, end, count = directory.offset, directory.offset + directory.size, 0
    while at < end:
        fixed = read_at(descriptor, _ENTRY.size, at)
        if len(fixed) < _ENTRY.size or fixed[:4] != b"PK\1\2":
            raise UnpackError("", f"its directory is damaged at byte {at:,}")
        fields = _ENTRY.unpack(fixed)
        lengths = fields[10:13]
        rest = read_at(descriptor, sum(lengths), at + _ENTRY.size)
        at += _ENTRY.size + sum(lengths)
        count += 1
        if at > end or count > directory.entries:
            raise UnpackError("", "its directory holds more than its last record says")
        yield _entry(fields, rest)
    if count != directory.entries:
        raise UnpackError("", f"its directory has {count:,} entries, and its last record says {directory.entries:,}")


def _entry(fields: tuple[int, ...], rest: bytes) -> Entry:
    _, made_by, _, flags, method, clock, date, crc, packed, size, name_length, extra_length, _, disk, _, attributes, offset = fields
    name = rest[:name_length]
    text = name.decode("utf-8", "backslashreplace") if flags & 0x800 else _old_text(name)
    packed, size, offset = _wide(text, rest[name_length : name_length + extra_length], packed, size, offset)
    if disk not in (0, 0xFFFF):
        raise UnpackError(text, "lies in another volume")
    if flags & 0x2041:
        raise UnpackError(text, "is encrypted")
    if flags & 0x20 or method not in _METHODS:
        raise UnpackError(text, f"is packed by the method {method}; members may be stored or deflated. Pack the bag anew")
    unix = attributes >> 16 if made_by >> 8 in (3, 19) or attributes >> 28 in (0o12, 0o4, 0o10, 0o1, 0o2, 0o6, 0o14) else 0
    return Entry(name, text, flags, method, crc, packed, size, unix, _time(date, clock), offset)


def _old_text(name: bytes) -> str:
    """A name without the UTF-8 flag: UTF-8 as zip of Unix writes it all the same, or else code page 437."""
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return name.decode("cp437")


def _wide(member: str, extra: bytes, packed: int, size: int, offset: int) -> tuple[int, int, int]:
    """Packed size, size and offset, from the zip64 field where the 32 bits are all ones."""
    wanted = [value == 0xFFFFFFFF for value in (size, packed, offset)]
    if not any(wanted):
        return packed, size, offset
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == 1 and length >= 8 * sum(wanted) and at + 4 + length <= len(extra):
            values = iter(struct.unpack_from(f"<{sum(wanted)}Q", extra, at + 4))
            size, packed, offset = (next(values) if want else value for want, value in zip(wanted, (size, packed, offset), strict=True))
            return packed, size, offset
        at += 4 + length
    raise UnpackError(member, "its sizes stand in a zip64 field that is missing")


def _time(date: int, clock: int) -> int | None:
    """Seconds since 1970, taking the local time of who knows where as UTC."""
    fields = (1980 + (date >> 9), date >> 5 & 15, date & 31, clock >> 11, clock >> 5 & 63, 2 * (clock & 31))
    sane = 1 <= fields[1] <= 12 and 1 <= fields[2] <= 31 and fields[3] < 24 and fields[4] < 60 and fields[5] < 60
    return calendar.timegm((*fields, 0, 0, 0)) if sane else None


def _occurrences(tail: bytes) -> Iterator[int]:
    at = tail.find(b"PK\5\6")
    while at >= 0:
        if at + _END.size <= len(tail):
            yield at
        at = tail.find(b"PK\5\6", at + 1)


def _end64(descriptor: int, end_at: int) -> tuple[int, int, int, int, int, int, int]:
    locator = read_at(descriptor, _LOCATOR64.size, end_at - _LOCATOR64.size) if end_at >= _LOCATOR64.size else b""
    if len(locator) < _LOCATOR64.size or locator[:4] != b"PK\6\7":
        raise UnpackError("", "its zip64 record is missing")
    _, _, at, disks = _LOCATOR64.unpack(locator)
    record = read_at(descriptor, _END64.size, at) if at < end_at else b""
    if len(record) < _END64.size or record[:4] != b"PK\6\6" or disks > 1:
        raise UnpackError("", "its zip64 record is missing")
    _, length, _, _, disk, start_disk, here, entries, size, offset = _END64.unpack(record)
    if at + 12 + length != end_at - _LOCATOR64.size:
        raise UnpackError("", "its zip64 record does not lie right before its last records")
    return at, disk, start_disk, here, entries, size, offset

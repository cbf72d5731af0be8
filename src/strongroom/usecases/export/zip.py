"""A bag as a zip, stored and not compressed, with the extensions for more than 65,535 files and 4 GiB (PKWARE APPNOTE 6.3.10).

zipfile keeps an object for each file until the end; this keeps the list of files in a file.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import IO, Final

_UTF8: Final = 1 << 11
_ZIP64: Final = 45  # the version needed to read it (4.4.3)
_UNIX: Final = 3 << 8
_FULL: Final = 0xFFFFFFFF
_LOCAL: Final = struct.Struct("<4sHHHHHIIIHH")  # 4.3.7
_CENTRAL: Final = struct.Struct("<4sHHHHHHIIIHHHHHII")  # 4.3.12
_END64: Final = struct.Struct("<4sQHHIIQQQQ")  # 4.3.14
_LOCATOR: Final = struct.Struct("<4sIQI")  # 4.3.15
_END: Final = struct.Struct("<4sHHHHIIH")  # 4.3.16
_CRC_AT: Final = 14  # in a local header


class ZipSink:
    """Writes into `out`, which can be sought, below the folder `top`; `directory`, an empty file, takes the list of files until the end."""

    def __init__(self, out: IO[bytes], top: str, directory: IO[bytes]) -> None:
        self._out, self._top, self._directory = out, top, directory
        self._count = 0

    def add(self, path: str, size: int, chunks: Iterable[bytes], *, mode: int, mtime: int) -> None:
        begin = self._out.tell()
        name = f"{self._top}/{path}".encode()
        day, time = _moment(mtime)
        # Sizes in the extra field always: what a reader must know is then the same for every file.
        extra = struct.pack("<HHQQ", 1, 16, size, size)
        try:
            self._out.write(_LOCAL.pack(b"PK\x03\x04", _ZIP64, _UTF8, 0, time, day, 0, _FULL, _FULL, len(name), len(extra)) + name + extra)
            crc = 0
            for chunk in chunks:
                crc = zlib.crc32(chunk, crc)
                self._out.write(chunk)
            end = self._out.tell()
            self._out.seek(begin + _CRC_AT)
            self._out.write(struct.pack("<I", crc))
            self._out.seek(end)
        except BaseException:
            self._out.seek(begin)
            self._out.truncate()
            raise
        more = struct.pack("<HHQQQ", 1, 24, size, size, begin)
        attributes = (0o100000 | mode | 0o400) << 16
        self._directory.write(_CENTRAL.pack(
            b"PK\x01\x02", _UNIX | _ZIP64, _ZIP64, _UTF8, 0, time, day, crc, _FULL, _FULL, len(name), len(more), 0, 0, 0, attributes, _FULL,
        ) + name + more)
        self._count += 1

    def finish(self) -> None:
        begin = self._out.tell()
        self._directory.seek(0)
        while chunk := self._directory.read(1 << 20):
            self._out.write(chunk)
        end = self._out.tell()
        size, count = end - begin, self._count
        self._out.write(_END64.pack(b"PK\x06\x06", _END64.size - 12, _UNIX | _ZIP64, _ZIP64, 0, 0, count, count, size, begin))
        self._out.write(_LOCATOR.pack(b"PK\x06\x07", 0, end, 1))
        short = min(count, 0xFFFF)
        self._out.write(_END.pack(b"PK\x05\x06", 0, 0, short, short, min(size, _FULL), min(begin, _FULL), 0))


def _moment(mtime: int) -> tuple[int, int]:
    """Day and time as MS-DOS has them (4.4.6), in UTC; from 1980 to 2107.

    >>> _moment(0)
    (33, 0)
    """
    seconds = mtime // 1_000_000_000
    if not 315_532_800 <= seconds < 4_354_819_200:
        return (1 << 5) + 1, 0
    at = datetime.fromtimestamp(seconds, UTC)
    return (at.year - 1980) << 9 | at.month << 5 | at.day, at.hour << 11 | at.minute << 5 | at.second // 2

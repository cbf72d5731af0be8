"""A bag as a tar (POSIX.1-2001): the same bag gives the same bytes, whoever makes it and wherever."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from typing import IO, Final

_BLOCK: Final = 512


class TarSink:
    """Writes into `out`, which can be sought, below the folder `top`. Only regular files, owned by nobody."""

    def __init__(self, out: IO[bytes], top: str) -> None:
        self._out, self._top = out, top

    def add(self, path: str, size: int, chunks: Iterable[bytes], *, mode: int, mtime: int) -> None:
        begin = self._out.tell()
        info = tarfile.TarInfo(f"{self._top}/{path}")
        info.size, info.mode, info.mtime = size, mode | 0o400, mtime // 1_000_000_000
        try:
            # pax headers for what ustar cannot say: names beyond ASCII or too long, sizes over 8 GiB, times before 1970
            self._out.write(info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict"))
            for chunk in chunks:
                self._out.write(chunk)
            self._out.write(bytes(-size % _BLOCK))
        except BaseException:
            self._out.seek(begin)
            self._out.truncate()
            raise

    def finish(self) -> None:
        self._out.write(bytes(2 * _BLOCK))

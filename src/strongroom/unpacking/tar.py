"""Unpacking a tar from a stream, member by member."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from strongroom.unpacking.limits import Limits, UnpackError
from strongroom.unpacking.names import member_path
from strongroom.unpacking.staging import Staging
from strongroom.unpacking.streams import CHUNK, Source
from strongroom.unpacking.tar_headers import BLOCK, EXTENDED, Header, parse_header, parse_pax, refusal

_LONGEST_HEADER: Final = 1 << 20  # bytes of an extended header
_WHERE: Final = {b"x": "extended header (pax)", b"g": "global header (pax)", b"L": "long name (GNU)", b"K": "long link name (GNU)"}


def unpack_tar(source: Source, staging: Staging, limits: Limits) -> None:
    """Write the members of a tar below the staging folder. Raises UnpackError at the first that is refused."""
    _Tar(source, staging, limits).run()


class _Tar:
    def __init__(self, source: Source, staging: Staging, limits: Limits) -> None:
        self._source = source
        self._staging = staging
        self._limits = limits
        self._at = 0
        self._ahead: dict[bytes, bytes] = {}  # what extended headers say of the next member

    def run(self) -> None:
        members = 0
        while (header := parse_header(self._block(), self._at - BLOCK)) is not None:
            members += 1
            self._staging.count(header.name.decode("utf-8", "backslashreplace"))
            if header.kind in EXTENDED:
                self._describe(header)
            else:
                self._member(self._described(header))
        if self._ahead:
            raise UnpackError("", "the tar ends after a header that describes a next member")
        if not members:
            raise UnpackError("", "the tar is empty")
        self._end()

    def _member(self, header: Header) -> None:
        raw = header.name.rstrip(b"/") if header.kind == b"5" else header.name
        label = header.name.decode("utf-8", "backslashreplace")
        if reason := refusal(header.kind):
            raise UnpackError(label, reason)
        if header.kind == b"5" and header.size:
            raise UnpackError(label, "is a folder that announces data")
        if header.kind == b"0" and header.name.endswith(b"/"):
            raise UnpackError(label, "is a file with the name of a folder")
        path = member_path(raw or header.name, self._limits)
        if header.kind == b"5":
            self._staging.folder(path)
            return
        if not path:
            raise UnpackError(label, "is a file without a name")
        self._staging.file(path, header.size, self._data(header.size, label), executable=header.executable, mtime=header.mtime)

    # -- headers about the next member

    def _describe(self, header: Header) -> None:
        where = _WHERE[header.kind]
        if header.size > _LONGEST_HEADER:
            raise UnpackError(where, f"announces {header.size:,} bytes; at most {_LONGEST_HEADER:,} are taken")
        data = b"".join(self._data(header.size, where))
        if header.kind in b"LK":
            found = {b"path" if header.kind == b"L" else b"linkpath": data.partition(b"\0")[0]}
        else:
            found = parse_pax(data, where)
            for key, value in found.items():
                if key.startswith((b"GNU.sparse", b"SCHILY.realsize")):
                    raise UnpackError(where, "describes a sparse file; a bag holds regular files and folders alone")
                if key in (b"path", b"size", b"linkpath") and header.kind == b"g":
                    raise UnpackError(where, f"sets {key.decode()} for every member that follows")
                if key in (b"path", b"linkpath") and b"\0" in value:
                    raise UnpackError(where, "has a NUL character in a name")
        if header.kind == b"g":
            return
        if twice := self._ahead.keys() & found.keys():
            raise UnpackError(where, f"{min(twice)!r} is said twice of one member")
        self._ahead |= found

    def _described(self, header: Header) -> Header:
        ahead, self._ahead = self._ahead, {}
        size, mtime = header.size, header.mtime
        name = ahead.get(b"path", header.name)
        label = name[:300].decode("utf-8", "backslashreplace")
        if b"size" in ahead:
            digits = ahead[b"size"]
            if not digits.isdigit() or len(digits) > 18:
                raise UnpackError(label, f"its size is not a number: {digits[:40]!r}")
            size = int(digits)
            if header.size not in (0, size) and header.size < 0o77777777777:
                raise UnpackError(label, f"announces {header.size:,} bytes in one header and {size:,} in another")
        if b"mtime" in ahead and ahead[b"mtime"].partition(b".")[0].isdigit():
            mtime = int(ahead[b"mtime"].partition(b".")[0][:18])
        kind = b"5" if header.kind == b"0" and name.endswith(b"/") and not size else header.kind
        return Header(kind, name, size, header.executable, mtime)

    # -- bytes

    def _block(self) -> bytes:
        block = self._source.read(BLOCK)
        self._at += len(block)
        if len(block) < BLOCK:
            raise UnpackError("", f"the tar is cut short at byte {self._at:,}")
        return block

    def _data(self, size: int, member: str) -> Iterator[bytes]:
        left = size
        while left:
            chunk = self._source.read(min(left, CHUNK))
            if not chunk:
                raise UnpackError(member, f"is cut short: {left:,} of its {size:,} bytes are missing")
            self._at += len(chunk)
            left -= len(chunk)
            yield chunk
        padding = -size % BLOCK
        if len(self._source.read(padding)) < padding:
            raise UnpackError(member, "is cut short within its last block")
        self._at += padding

    def _end(self) -> None:
        """After the first block of zeros nothing but zeros may follow: what does is seen by some programs and not by others."""
        while chunk := self._source.read(CHUNK):
            if chunk.strip(b"\0"):
                raise UnpackError("", "there are bytes after the end of the tar, which some programs would read and others not")

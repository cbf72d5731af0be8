"""Packs: tars of small contents, and their indexes (docs/format.md, 3.2 and 3.3)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from strongroom.core.canonical import loads
from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError

#: A content of more bytes than this is an object of its own.
LARGE_CONTENT: Final = 4 * 1024 * 1024
#: A pack is closed before its members, headers and padding included, exceed this many bytes.
PACK_SIZE: Final = 16 * 1024 * 1024
INDEX_NAME: Final = "index.jsonl"
#: Bytes of an index that are read. It has about 110 a member, and a pack of empty files 32,768 members; others may pack differently.
INDEX_LIMIT: Final = 256 * 1024 * 1024

BLOCK: Final = 512  # of a tar
END: Final = bytes(2 * BLOCK)
_FAR: Final = 1 << 53  # no pack is that long, and every database and language can hold the number


def _header_template() -> bytearray:
    header = bytearray(BLOCK)
    header[100:108] = b"0000444\0"
    header[108:116] = header[116:124] = b"0000000\0"
    header[136:148] = b"00000000000\0"
    header[148:156] = b"        "  # the checksum is computed with its own field blank
    header[156:157] = b"0"
    header[257:265] = b"ustar\x0000"
    header[329:337] = header[337:345] = b"0000000\0"
    return header


_TEMPLATE: Final = bytes(_header_template())
_TEMPLATE_SUM: Final = sum(_TEMPLATE)


def member_header(name: bytes, length: int) -> bytes:
    """The 512-byte ustar header of a member (POSIX.1-1988). Written by hand: a TarInfo costs more than hashing a small file."""
    size = b"%011o\0" % length
    checksum = _TEMPLATE_SUM + sum(name) + sum(size)
    return b"".join((name, _TEMPLATE[len(name):124], size, _TEMPLATE[136:148], b"%06o\0 " % checksum, _TEMPLATE[156:]))


@dataclass(frozen=True, slots=True)
class Frame:
    """A zstd frame of a compressed pack: `length` bytes from byte `offset`, as stored."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Member:
    """Where a content lies in a pack: `length` bytes from byte `offset` of the tar, or of what `frame` holds."""

    digest: Digest
    offset: int
    length: int
    frame: Frame | None = None


class PackBuilder:
    """A pack in the making, in memory; bounded by PACK_SIZE plus the index.

    Nothing in it depends on time or place: equal members in equal order give an equal pack.
    """

    kind: Final = "pack"

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._members: list[Member] = []

    def __len__(self) -> int:
        return len(self._members)

    def has_room(self, length: int) -> bool:
        """Whether a content of `length` bytes may still be added (an empty pack takes any)."""
        return not self._members or len(self._buffer) + BLOCK + length + -length % BLOCK <= PACK_SIZE

    def add(self, digest: Digest, data: bytes | memoryview) -> None:
        """Append a content that is not in this pack yet; the caller knows that `data` has `digest`."""
        length = len(data)
        self._buffer += member_header(digest.hex.encode(), length)
        self._members.append(Member(digest, len(self._buffer), length))
        self._buffer += data
        self._buffer += bytes(-length % BLOCK)

    def finish(self) -> tuple[bytearray, bytes, Digest, list[Member]]:
        """The tar, the bytes of its index, its name, its members. The builder is empty again."""
        index = format_index(self._members)
        buffer, members = self._buffer, self._members
        buffer += member_header(INDEX_NAME.encode(), len(index))
        buffer += index
        buffer += bytes(-len(index) % BLOCK) + END
        self._buffer, self._members = bytearray(), []
        return buffer, index, Digest.of(buffer), members


def format_index(members: Iterable[Member]) -> bytes:
    """The bytes of `index.jsonl`."""
    lines = [f'{{{_frame(m)}"length":{m.length},"offset":{m.offset},"sha256":"{m.digest.hex}"}}\n' for m in members]
    body = "".join(lines).encode()
    return body + f'{{"count":{len(lines)},"sha256":"{hashlib.sha256(body).hexdigest()}"}}\n'.encode()


def _frame(member: Member) -> str:
    return f'"frame":[{member.frame.offset},{member.frame.length}],' if member.frame else ""


def parse_index(data: bytes) -> list[Member]:
    """The members an index names. Raises InvalidValueError if it is torn, altered, or makes no sense; the caller then reads the tar."""
    body, _, last = data.removesuffix(b"\n").rpartition(b"\n")
    body += b"\n" if body else b""
    end = loads(last, what="last line of the pack index")
    if not isinstance(end, dict) or end.get("sha256") != hashlib.sha256(body).hexdigest():
        raise InvalidValueError("the pack index does not have the digest its last line gives")
    members = [_parse_line(line) for line in body.splitlines()]
    if len(members) != end.get("count"):
        raise InvalidValueError(f"the pack index has {len(members)} lines and says {end.get('count')!r}")
    return members


def _parse_line(line: bytes) -> Member:
    value = loads(line, what="line of a pack index")
    try:
        frame = Frame(*value["frame"]) if "frame" in value else None
        member = Member(Digest(value["sha256"]), value["offset"], value["length"], frame)
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidValueError(f"not a line of a pack index: {line[:200]!r}") from error
    numbers = (member.offset, member.length, *((frame.offset, frame.length) if frame else ()))
    sane = all(type(number) is int and 0 <= number < _FAR for number in numbers)
    if not sane or member.offset < BLOCK or (frame is not None and frame.length < 1):
        raise InvalidValueError(f"impossible offset or length in a pack index: {line[:200]!r}")
    return member


def parse_header(block: bytes | memoryview) -> tuple[str, int] | None:
    """Name and length of the member whose 512-byte header this is; None for the zero block that ends a tar.

    Only what we write is accepted: type 0, a name without folder. Raises InvalidValueError for anything else.
    """
    block = bytes(block)
    if block == bytes(BLOCK):
        return None
    stored, length = _octal(block[148:156]), _octal(block[124:136])
    if stored != sum(block[:148]) + 8 * 32 + sum(block[156:]):
        raise InvalidValueError("not a tar header: its checksum is wrong")
    name = block[:100].rstrip(b"\0")
    if block[156:157] != b"0" or block[345:500].strip(b"\0") or b"/" in name or not name.isascii():
        raise InvalidValueError(f"a member that a pack may not hold: {name[:100]!r}, type {block[156:157]!r}")
    return name.decode("ascii"), length


def _octal(field: bytes) -> int:
    digits = field.strip(b" \0")
    if not digits.isdigit() or b"8" in digits or b"9" in digits:
        raise InvalidValueError("not a tar header: a number in it is not octal")
    return int(digits, 8)

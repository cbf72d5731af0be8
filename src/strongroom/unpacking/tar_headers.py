"""Tar headers of every common format: v7, ustar (POSIX.1-1988), pax (POSIX.1-2001), GNU, star. Pure: takes blocks, gives values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from strongroom.unpacking.limits import UnpackError

BLOCK: Final = 512
#: Headers of which the data describe the next member.
EXTENDED: Final = b"xgLK"
_REFUSED: Final = {
    b"1": "is a hard link", b"2": "is a symbolic link", b"3": "is a device", b"4": "is a device", b"6": "is a FIFO",
    b"S": "is a sparse file of GNU tar", b"D": "is a folder listing of GNU tar", b"M": "continues a file of another volume",
    b"N": "is a list of long names of an old GNU tar", b"V": "is a volume label of GNU tar",
}
_LARGEST: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class Header:
    """One header block. `kind`: its type flag, b"0" for any regular file and b"5" for a folder."""

    kind: bytes
    name: bytes
    size: int
    executable: bool
    mtime: int | None


def is_header(block: bytes) -> bool:
    """Whether the block, which is not one of zeros, has the checksum of a header."""
    field = block[148:156].strip(b" \0")
    stored = int(field, 8) if field and not field.strip(b"01234567") else -1
    unsigned = sum(block) - sum(block[148:156]) + 8 * 32
    signed = unsigned - 256 * sum(byte > 127 for byte in block[:148] + block[156:])  # as some old programs counted
    return stored in (unsigned, signed)


def parse_header(block: bytes, at: int) -> Header | None:
    """The header in this block, None for a block of zeros. `at` is its offset, for messages. Raises UnpackError."""
    if block == bytes(BLOCK):
        return None
    where = f"header at byte {at:,}"
    if not is_header(block):
        raise UnpackError("", f"{where}: is no tar header, or a damaged one: its checksum is wrong")
    name = _text(block[:100])
    if block[257:263] == b"ustar\0" and (prefix := _text(block[345:500])):
        name = prefix + b"/" + name
    kind = block[156:157]
    if kind in (b"0", b"\0", b"7"):
        kind = b"5" if name.endswith(b"/") and kind != b"7" else b"0"
    label = name.decode("utf-8", "backslashreplace") or where
    size = _number(block[124:136], label, "size")
    mode = _number(block[100:108], label, "mode")
    return Header(kind, name, size, bool(mode & 0o100), _number(block[136:148], label, "time", negative=True))


def refusal(kind: bytes) -> str | None:
    """Why a member of this kind is not taken; None if it is a file, a folder or a description of the next member."""
    if kind in (b"0", b"5") or kind in tuple(bytes([one]) for one in EXTENDED):
        return None
    reason = _REFUSED.get(kind, f"is of the type {kind!r}, which is not known")
    return f"{reason}; a bag holds regular files and folders alone"


def parse_pax(data: bytes, where: str) -> dict[bytes, bytes]:
    """The records of an extended header: "LENGTH KEY=VALUE\\n" each. A key may occur once: programs differ on which counts."""
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(data):
        digits, blank, _ = data[at : at + 12].partition(b" ")
        length = int(digits) if blank and digits.isdigit() and not digits.startswith(b"0") else 0
        record = data[at : at + length]
        key, equals, value = record[len(digits) + 1 : -1].partition(b"=")
        if length <= len(digits) + 2 or len(record) != length or not record.endswith(b"\n") or not equals or not key:
            raise UnpackError(where, "its extended header (pax) is malformed")
        if key in found:
            raise UnpackError(where, f"its extended header (pax) has {key[:80]!r} twice")
        found[key] = value
        at += length
    return found


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _number(field: bytes, where: str, what: str, *, negative: bool = False) -> int:
    """Octal digits, or base 256 as GNU and star have it for large and negative numbers."""
    if field[0] & 0x80:
        below_zero = field[0] == 0xFF
        value = int.from_bytes(field if below_zero else bytes([field[0] & 0x7F]) + field[1:], "big", signed=below_zero)
    else:
        digits = field.strip(b" \0")
        if not digits:
            value = 0
        elif digits.strip(b"01234567"):
            raise UnpackError(where, f"its {what} is not a number: {field!r}")
        else:
            value = int(digits, 8)
    if value < 0 and not negative:
        raise UnpackError(where, f"its {what} is negative")
    if value > _LARGEST:
        raise UnpackError(where, f"its {what} is impossible: {value}")
    return value

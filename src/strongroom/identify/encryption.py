"""Whether a file says of itself that it is encrypted. What cannot be seen by looking at a few bytes of it is not claimed."""

from __future__ import annotations

import os
import re
from typing import Final

#: Encrypted by definition: PRONOM's Microsoft Office Encrypted Document.
_PUIDS: Final = frozenset({"fmt/494"})
_MIMES: Final = frozenset({"application/encrypted", "application/pgp-encrypted", "application/vnd.ms-office-encrypted"})
_AGE: Final = b"age-encryption.org/v1\n"  # first line of the format of that name
_ARMOR: Final = b"-----BEGIN PGP MESSAGE-----"  # RFC 9580, 6.2
_TAIL: Final = 2048
_STARTXREF: Final = re.compile(rb"startxref\s+(\d{1,15})\s+%%EOF")
_ENCRYPT: Final = re.compile(rb"/Encrypt\s+(\d+\s+\d+\s+R|<<)")


def is_encrypted(descriptor: int, size: int, mime: str, puid: str) -> bool:
    """Whether the file behind `descriptor` is encrypted, given what it was identified as: a ZIP by the flag of its first member
    (APPNOTE, 4.4.4, bit 0), a PDF by its trailer (ISO 32000-1, 7.5.5), OpenPGP and age messages by how they begin."""
    if puid in _PUIDS or mime in _MIMES:
        return True
    head = os.pread(descriptor, 64, 0)
    if head.startswith(b"PK\x03\x04"):
        return len(head) > 7 and bool(head[6] & 1)
    if head.startswith(b"%PDF-"):
        return _pdf(descriptor, size)
    return head.startswith((_AGE, _ARMOR))


def _pdf(descriptor: int, size: int) -> bool:
    """By the trailer at the end, and where the last cross-reference is a stream by its dictionary."""
    tail = os.pread(descriptor, _TAIL, max(0, size - _TAIL))
    if _ENCRYPT.search(tail):
        return True
    places = _STARTXREF.findall(tail)
    if not places or int(places[-1]) >= size:
        return False
    return _ENCRYPT.search(os.pread(descriptor, _TAIL, int(places[-1]))) is not None

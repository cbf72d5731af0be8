"""One verdict out of what libmagic, PRONOM and a look of our own say. For use inside a process that may be lost."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple

from strongroom.core.formats import EMPTY, ENCRYPTED, GENERIC, MISMATCH, UNIDENTIFIED, Format, flags_text
from strongroom.identify import libmagic, pronom
from strongroom.identify.encryption import is_encrypted

#: How a page begins; one with "<?" in it may be a program that makes pages.
_PAGE: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE)


@cache
def signatures() -> str:
    """What judges here: "libmagic 541, siegfried 1.11.9, DROID_SignatureFile_V125.xml, …"."""
    return f"{libmagic.signatures()}, {pronom.signatures()}"


class Subject(NamedTuple):
    """A file to be judged; `path` leads to the same bytes as `descriptor`, under a name with the extension."""

    descriptor: int
    size: int
    extension: str
    path: str


def judge(subjects: Sequence[Subject], at_once: int = 1) -> list[Format]:
    """What each of the files is. First siegfried sees all of them, `at_once` in threads of its own, then libmagic: each needs the
    processor's caches for itself.

    The MIME type is libmagic's, unless that says no more than "text" or "bytes" and PRONOM knows more. Of web pages it is not asked.
    """
    matches = pronom.identify([one.path for one in subjects], at_once)
    return [_verdict(one, _mime(one, match), match) for one, match in zip(subjects, matches, strict=True)]


def _mime(subject: Subject, match: pronom.Match) -> str:
    """Most of what a site holds are pages, and libmagic takes longest for texts; some pages it takes for CSV or C (decision 0026)."""
    head = os.pread(subject.descriptor, libmagic.HEAD, 0)
    if match.mime == "text/html" and match.by_bytes and _PAGE.match(head):
        return match.mime
    return libmagic.mime_type(head) or ""


def _verdict(subject: Subject, mime: str, match: pronom.Match) -> Format:
    if subject.size == 0:
        return Format("application/x-empty", flags=EMPTY, signatures=signatures())
    if mime in GENERIC and match.mime not in GENERIC:
        mime = match.mime
    flags = flags_text(
        ENCRYPTED if is_encrypted(subject.descriptor, subject.size, mime, match.puid) else "",
        UNIDENTIFIED if not match.puid and mime in ("", "application/octet-stream") else "",
        MISMATCH if match.mismatch and subject.extension else "",
    )
    return Format(mime, match.puid, match.name, match.version, match.basis, flags, signatures())

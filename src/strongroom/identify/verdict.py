"""One verdict out of what libmagic, PRONOM and a look of our own say. For use inside a process that may be lost."""

from __future__ import annotations

import os
from functools import cache

from strongroom.core.formats import EMPTY, ENCRYPTED, GENERIC, MISMATCH, UNIDENTIFIED, Format, flags_text
from strongroom.identify import libmagic, pronom
from strongroom.identify.encryption import is_encrypted


@cache
def signatures() -> str:
    """What judges here: "libmagic 541, siegfried 1.11.9, DROID_SignatureFile_V125.xml, …"."""
    return f"{libmagic.signatures()}, {pronom.signatures()}"


def judge(descriptor: int, size: int, extension: str, path: str) -> Format:
    """What the file behind `descriptor` is; `path` leads to the same bytes under a name with that extension.

    The MIME type is libmagic's, unless that says no more than "text" or "bytes" and PRONOM knows more.
    """
    if size == 0:
        return Format("application/x-empty", flags=EMPTY, signatures=signatures())
    mime = libmagic.mime_type(os.pread(descriptor, libmagic.HEAD, 0)) or ""
    try:
        match = pronom.identify(path)
    except OSError as error:  # of this file alone, of which libmagic may know something
        match = pronom.Match(basis=f"PRONOM: {error}"[:200])
    if mime in GENERIC and match.mime not in GENERIC:
        mime = match.mime
    flags = flags_text(
        ENCRYPTED if is_encrypted(descriptor, size, mime, match.puid) else "",
        UNIDENTIFIED if not match.puid and mime in ("", "application/octet-stream") else "",
        MISMATCH if match.mismatch and extension else "",
    )
    return Format(mime, match.puid, match.name, match.version, match.basis, flags, signatures())

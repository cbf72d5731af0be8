"""MIME types by libmagic, for use inside worker processes: a crash in the C library then costs one worker."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

#: libmagic looks no further than this many bytes into a file for the kinds that matter here.
HEAD: Final = 256 * 1024


@cache
def _magic() -> tuple[Any, Any]:
    import pylibmagic  # noqa: F401, PLC0415 - gives python-magic a libmagic where the system has none; slow, so only where it is used
    import magic  # noqa: PLC0415

    return magic.Magic(mime=True), magic


def signatures() -> str:
    """Which libmagic decides: "libmagic 541". Kept with every verdict, since a newer one may decide otherwise."""
    return f"libmagic {_magic()[1].version()}"


def mime_type(head: bytes | memoryview) -> str | None:
    """The MIME type of a content by its first HEAD bytes ("text/html"), or None where libmagic cannot tell."""
    if not head:
        return "application/x-empty"
    cookie, magic = _magic()
    try:
        found = cookie.from_buffer(bytes(head[:HEAD]))
    except magic.MagicException:
        return None
    # libmagic says some trouble in words instead of an error; a type has no spaces
    return found if "/" in found and " " not in found else None

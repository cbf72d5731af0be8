"""MIME types by libmagic, for use inside worker processes: a crash in the C library then costs one worker."""

from __future__ import annotations

import threading
from functools import cache
from importlib import import_module
from typing import Any, Final

#: libmagic looks no further than this many bytes into a file for the kinds that matter here.
HEAD: Final = 256 * 1024


_own: Final = threading.local()


def _cookie() -> Any:
    """This thread's own, since two must not use one at a time: python-magic would have them wait for each other."""
    if not hasattr(_own, "cookie"):
        _own.cookie = _module().Magic(mime=True)
    return _own.cookie


@cache
def _module() -> Any:
    # In this order: pylibmagic puts the wheel's libmagic and its signatures where python-magic looks when it is imported. The other way
    # round a system's libmagic would be given the wheel's signatures, which it refuses. Both are slow, so only where they are used.
    import_module("pylibmagic")
    return import_module("magic")


def signatures() -> str:
    """Which libmagic decides: "libmagic 541". Kept with every verdict, since a newer one may decide otherwise."""
    return f"libmagic {_module().version()}"


def mime_type(head: bytes | memoryview) -> str | None:
    """The MIME type of a content by its first HEAD bytes ("text/html"), or None where libmagic cannot tell. Raises MemoryError."""
    if not head:
        return "application/x-empty"
    module = _module()
    try:
        found = _cookie().from_buffer(bytes(head[:HEAD]))
    except module.MagicException as error:
        if "cannot allocate" in str(error):  # which says nothing of this content where other threads have contents of their own
            raise MemoryError(str(error)) from error
        return None
    # libmagic says some trouble in words instead of an error; a type has no spaces
    return found if "/" in found and " " not in found else None

"""How manifests and fetch.txt spell the characters of a path that would break a line (RFC 8493, 2.1.3)."""

from __future__ import annotations

import re
from typing import Final

from strongroom.core.bag.declaration import LATEST, Version

_MUST_ENCODE: Final = re.compile(r"[%\n\r]")
_ENCODED: Final = re.compile(r"%(0[AaDd]|25)")
_ENCODED_BREAK: Final = re.compile(r"%(0[AaDd])")
_STRAY: Final = re.compile(r"%(?!0[AaDd]|25)")


def encode_path(path: str) -> str:
    """`path` as BagIt 1.0 writes it: exactly LF, CR and % percent-encoded.

    >>> encode_path("data/100%\\n")
    'data/100%25%0A'
    """
    if _MUST_ENCODE.search(path) is None:
        return path
    return path.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")


def decode_path(path: str, version: Version = LATEST) -> str:
    """The path that a manifest of this version means; the inverse of encode_path for 1.0.

    Before 1.0 only the line breaks were encoded, so %25 stands for itself there. Other percent signs are kept as they are.

    >>> decode_path("data/100%25%0A%20")
    'data/100%\\n%20'
    >>> decode_path("data/100%25", Version(0, 97))
    'data/100%25'
    """
    if "%" not in path:
        return path
    pattern = _ENCODED if version >= (1, 0) else _ENCODED_BREAK
    return pattern.sub(lambda match: chr(int(match[1], 16)), path)


def has_stray_percent(path: str) -> bool:
    """Whether an encoded path has a percent sign that BagIt 1.0 does not allow ("%20", "100%")."""
    return "%" in path and _STRAY.search(path) is not None

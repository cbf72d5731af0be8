"""The one place where jsonschema is imported.

Importing it builds a grammar of IRIs if rfc3987-syntax is installed (the `format-nongpl` extra brings it), which takes 1.4 seconds
of CPU, each time a process starts. So that import is held off, and IRIs are checked here: by mapping them to URIs (RFC 3987, 3.1).
"""

from __future__ import annotations

import sys
import urllib.parse
from typing import Final

from rfc3986_validator import validate_rfc3986  # type: ignore[import-untyped]

_SLOW: Final = "rfc3987_syntax"
_held_off = "jsonschema" not in sys.modules and _SLOW not in sys.modules
if _held_off:
    sys.modules[_SLOW] = None  # type: ignore[assignment]  # None makes an import raise ImportError, which jsonschema expects
try:
    from jsonschema import Draft202012Validator, FormatChecker, ValidationError
finally:
    if _held_off:
        del sys.modules[_SLOW]

__all__ = ["Draft202012Validator", "FormatChecker", "ValidationError"]


def _as_uri(text: str) -> str:
    """Everything beyond ASCII percent-encoded as UTF-8; all of ASCII stays."""
    return "".join(character if character.isascii() else urllib.parse.quote(character, safe="") for character in text)


def _is_iri(value: object) -> bool:
    return not isinstance(value, str) or validate_rfc3986(_as_uri(value), rule="URI") is not None


def _is_iri_reference(value: object) -> bool:
    return not isinstance(value, str) or validate_rfc3986(_as_uri(value), rule="URI_reference") is not None


Draft202012Validator.FORMAT_CHECKER.checks("iri", raises=ValueError)(_is_iri)
Draft202012Validator.FORMAT_CHECKER.checks("iri-reference", raises=ValueError)(_is_iri_reference)

"""The one place where jsonschema is imported.

What it imports for a few formats takes seven times as long as itself, each time a process starts: rfc3987-syntax builds a grammar of IRIs
(1.4 s of CPU), rfc3986-validator compiles the whole of RFC 3986, isoduration brings arrow and dateutil. So those are held off, and these
formats are checked here, with the same libraries where a value is there to be checked; IRIs by mapping them to URIs (RFC 3987, 3.1).
"""

from __future__ import annotations

import sys
import urllib.parse
from typing import Final

_SLOW: Final = ("rfc3987_syntax", "rfc3986_validator", "isoduration")
_held_off = [name for name in _SLOW if name not in sys.modules and "jsonschema" not in sys.modules]
for _name in _held_off:
    sys.modules[_name] = None  # type: ignore[assignment]  # None makes an import raise ImportError, which jsonschema expects
try:
    from jsonschema import Draft202012Validator, FormatChecker, ValidationError
finally:
    for _name in _held_off:
        del sys.modules[_name]

__all__ = ["Draft202012Validator", "FormatChecker", "ValidationError"]


def _as_uri(text: str) -> str:
    """Everything beyond ASCII percent-encoded as UTF-8; all of ASCII stays."""
    return "".join(character if character.isascii() else urllib.parse.quote(character, safe="") for character in text)


def _follows(text: str, rule: str) -> bool:
    from rfc3986_validator import validate_rfc3986  # type: ignore[import-untyped]  # noqa: PLC0415

    return validate_rfc3986(text, rule=rule) is not None


def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or _follows(value, "URI")


def _is_uri_reference(value: object) -> bool:
    return not isinstance(value, str) or _follows(value, "URI_reference")


def _is_iri(value: object) -> bool:
    return not isinstance(value, str) or _follows(_as_uri(value), "URI")


def _is_iri_reference(value: object) -> bool:
    return not isinstance(value, str) or _follows(_as_uri(value), "URI_reference")


def _is_duration(value: object) -> bool:
    if not isinstance(value, str):
        return True
    import isoduration  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        isoduration.parse_duration(value)
    except isoduration.DurationParsingException:
        return False
    return value.endswith(tuple("DMYWHS"))  # isoduration accepts a number without its unit


_CHECKS: Final = {"uri": _is_uri, "uri-reference": _is_uri_reference, "iri": _is_iri, "iri-reference": _is_iri_reference,
                  "duration": _is_duration}
for _name, _check in _CHECKS.items():
    Draft202012Validator.FORMAT_CHECKER.checks(_name, raises=ValueError)(_check)

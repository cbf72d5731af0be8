"""JSON as we write it (docs/format.md, section 1), and JSON from strangers, read strictly."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final, NoReturn

from strongroom.core.errors import InvalidValueError

#: A JSON value. Documents are checked against schemas/ where they come from outside.
Json = Any

_MAX_DEPTH = 100
_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")


def dumps(value: Json) -> bytes:
    """Canonical JSON with one final LF.

    >>> dumps({"b": 1, "a": "é"})
    b'{"a":"\\xc3\\xa9","b":1}\\n'
    """
    return dumps_line(value).encode() + b"\n"


def summed(value: dict[str, Json]) -> bytes:
    """A document that answers for its own bytes: with a member `sum`, the SHA-256 of the document without it."""
    return dumps({**value, "sum": hashlib.sha256(dumps(value)).hexdigest()})


def check_sum(value: Json, data: bytes, *, what: str) -> None:
    """Raise InvalidValueError if `value`, read from `data`, is not what `summed` makes: rot, that makes sense all the same."""
    try:
        rest = {name: member for name, member in value.items() if name != "sum"}
        if summed(rest) == data:
            return
    except (AttributeError, TypeError, ValueError):
        pass
    raise InvalidValueError(f"{what}: its members have another sum than it says: it is damaged")


def dumps_line(value: Json) -> str:
    """Canonical JSON on one line, without the LF."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def loads(data: bytes | str, *, what: str) -> Json:
    """A JSON document, refusing what json.loads lets pass: duplicate keys, NaN and infinities, deep nesting, a byte order mark.

    `what` names the document in the message of the InvalidValueError that is raised when it cannot be read.
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        _check_text(text, value)
        _check_depth(value, _MAX_DEPTH)
    except UnicodeDecodeError as error:
        raise InvalidValueError(f"{what}: not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise InvalidValueError(f"{what}: nested too deeply") from error
    except json.JSONDecodeError as error:
        raise InvalidValueError(f"{what}: is not JSON (line {error.lineno}, column {error.colno}: {error.msg})") from error
    except ValueError as error:
        raise InvalidValueError(f"{what}: {error}") from error
    return value


def loads_line(data: bytes, *, what: str) -> Any:
    """A line of a .jsonl file of which there may be millions: as json.loads, but whatever is wrong is an InvalidValueError."""
    try:
        text = data.decode("utf-8")
        value = json.loads(text)
        _check_text(text, value)
    except RecursionError as error:
        raise InvalidValueError(f"{what}: nested too deeply") from error
    except ValueError as error:  # not UTF-8 is one as well
        raise InvalidValueError(f"{what}: is not JSON: {error}") from error
    return value


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        duplicate = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {duplicate!r} occurs twice in one object")
    return value


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _check_text(text: str, value: Json) -> None:
    """An escape may name half of a character (`\\ud800`), which no file, database or page can hold."""
    if _HALF.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("holds half of a surrogate pair, which is no text") from None


def _check_depth(value: Json, left: int) -> None:
    if left == 0:
        raise ValueError(f"nested more than {_MAX_DEPTH} levels deep")
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        if isinstance(child, dict | list):
            _check_depth(child, left - 1)


def check_count(value: object) -> int:
    """A number of things or bytes in a document that was read. Raises InvalidValueError for one that no database can hold as well."""
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise InvalidValueError(f"not a count: {value!r}")
    return value

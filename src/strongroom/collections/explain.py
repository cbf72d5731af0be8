"""What a JSON Schema error means, in words: where, what was expected, what was found."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from strongroom.collections.jsonschemas import ValidationError

_TYPES: Final = {"string": "text", "array": "a list", "object": "fields", "integer": "a whole number", "number": "a number",
                 "boolean": "true or false", "null": "nothing"}
_FORMATS: Final = {
    "date": "a date such as 2023-01-31", "date-time": "a time with zone such as 2023-01-31T12:00:00Z", "time": "a time such as 12:00:00Z",
    "uri": "a URL such as https://example.org/page", "uri-reference": "a URL or relative path", "iri": "a URL",
    "email": "an e-mail address", "uuid": "a UUID such as 123e4567-e89b-42d3-a456-426614174000", "duration": "a duration such as P3Y",
    "regex": "a regular expression",
}
_BOUNDS: Final = {
    "minLength": "at least {} characters", "maxLength": "at most {} characters", "minItems": "at least {} items",
    "maxItems": "at most {} items", "minimum": "at least {}", "maximum": "at most {}", "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}", "multipleOf": "a multiple of {}", "uniqueItems": "items that differ",
    "minProperties": "at least {} fields", "maxProperties": "at most {} fields",
    "maxContains": "at most {} such item",
}
_SECRET: Final = re.compile(r"(?<=//)[^/@\s\"]*:[^/@\s\"]*(?=@)")


@dataclass(frozen=True, slots=True)
class Problem:
    """`path` leads to the value (member names and list positions from 0)."""

    path: tuple[str | int, ...]
    expected: str
    found: str

    @property
    def pointer(self) -> str:
        """The path as a JSON pointer (RFC 6901): ("a/b", 0) → "/a~1b/0"."""
        return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in self.path)

    @property
    def field(self) -> str:
        """The path as people write it: ("stores", 0, "url") → "stores[0].url"."""
        text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return text.removeprefix(".")


def explain(errors: Iterable[ValidationError], schema: Mapping[str, Any]) -> Iterator[Problem]:
    """The distinct problems that `errors` stand for. `schema` is the whole schema: it knows the names to suggest.

    A text that has neither the format nor the pattern it should have is told once.
    """
    seen: set[Problem] = set()
    shapes: dict[tuple[str | int, ...], str] = {}
    for error in errors:
        if error.validator in ("format", "pattern") and shapes.setdefault(tuple(error.absolute_path), error.validator) != error.validator:
            continue
        for problem in _explain(error, schema):
            if problem not in seen:
                seen.add(problem)
                yield problem


def shorten(value: object, limit: int = 80) -> str:
    """`value` as JSON on one line of at most `limit` characters, without passwords in URLs."""
    text = _SECRET.sub("***", json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'title'?`, or nothing where no known name is near."""
    near = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _explain(error: ValidationError, schema: Mapping[str, Any]) -> Iterator[Problem]:
    path, keyword, instance = tuple(error.absolute_path), error.validator, cast("Any", error.instance)
    value: Any = error.validator_value
    own: Mapping[str, Any] = error.schema if isinstance(error.schema, dict) else {}
    if keyword == "required":
        for name in value:
            if name not in instance:
                yield Problem((*path, name), "this field, which is required", "nothing")
    elif keyword in ("additionalProperties", "unevaluatedProperties") and isinstance(instance, dict) and value is False:
        known = list(own.get("properties", {}))
        patterns = list(own.get("patternProperties", {}))
        for name in instance:
            if name not in known and not any(re.search(pattern, name) for pattern in patterns):
                yield Problem((*path, name), "a known field", repr(name) + did_you_mean(name, known))
    elif keyword is None:  # a schema that is `false`; jsonschema does not say of which field
        yield Problem(path, "no such value", shorten(instance))
    elif keyword == "not" and value == {}:  # the same, and it does: the field may not be there
        name = str(path[-1]) if path else ""
        yield Problem(path, "no field of this name", repr(name) + did_you_mean(name, schema.get("properties", {})))
    elif keyword in ("anyOf", "oneOf") and error.context:
        yield from _explain_branches(error, path, schema)
    else:
        yield Problem(path, _expected(error, str(keyword), value, own), shorten(instance))


def _explain_branches(error: ValidationError, path: tuple[str | int, ...], schema: Mapping[str, Any]) -> Iterator[Problem]:
    branches: dict[object, list[ValidationError]] = {}
    for inner in error.context:
        branches.setdefault(inner.relative_schema_path[0], []).append(inner)
    # A branch for another type of value says nothing about this one.
    fitting = [inner for inner in branches.values() if not any(e.validator == "type" and not e.relative_path for e in inner)]
    if len(fitting) == 1:
        for only in fitting[0]:
            yield from _explain(only, schema)
    else:
        words = dict.fromkeys(p.expected for inner in fitting or branches.values() for e in inner for p in _explain(e, schema))
        yield Problem(path, " or ".join(words), shorten(error.instance))


def _expected(error: ValidationError, keyword: str, value: Any, own: Mapping[str, Any]) -> str:
    if keyword == "format" and error.cause is not None and str(value) not in _FORMATS:
        return str(error.cause).removeprefix("expected ")
    words = {
        "type": lambda: " or ".join(_TYPES.get(name, name) for name in ([value] if isinstance(value, str) else value)),
        "enum": lambda: "one of " + ", ".join(shorten(item, 40) for item in value),
        "const": lambda: shorten(value),
        "format": lambda: _FORMATS.get(str(value), f"text of the format {value}"),
        "contains": lambda: "a list with " + str(value.get("description") or shorten(value) if isinstance(value, dict) else "items"),
        "pattern": lambda: str(own["description"]) if "description" in own else f"text matching {value}",
    }
    if keyword in words:
        return words[keyword]()
    if keyword in _BOUNDS:
        bound = _BOUNDS[keyword].format(value)
        return bound.removesuffix("s") if value == 1 else bound
    if "description" in own:
        return str(own["description"])
    return error.message[:200] if len(error.message) <= 200 else f"what the schema says under {keyword!r}"

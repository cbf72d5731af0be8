"""Cells are text; a schema may ask for numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

_INTEGER: Final = re.compile(r"-?[0-9]{1,18}\Z")
_NUMBER: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?\Z")


def typed(row: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    """`row` as a schema with these top-level `properties` wants it: text as number, boolean or list where it asks for nothing else.

    Text that is no number stays text, for the schema to complain about.
    """
    return {name: _cast(value, properties.get(name)) for name, value in row.items()}


def _cast(value: Any, schema: Any) -> Any:
    kind = schema.get("type") if isinstance(schema, dict) else None
    if kind == "array":
        values = value if isinstance(value, list) else [value]
        return [_cast(item, schema.get("items")) for item in values]
    if not isinstance(value, str):
        return value
    if kind == "integer" and _INTEGER.match(value):
        return int(value)
    if kind == "number" and _NUMBER.match(value):
        return float(value)
    if kind == "boolean" and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return value

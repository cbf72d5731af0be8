"""Statements as PostgreSQL wants them. They are written as SQLite takes them; this is all that differs."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

#: Texts, which stay as they are, and values: `?`, or `?2` for the second of them.
_PARTS: Final = re.compile(r"('(?:[^']|'')*')|\?(\d*)")
_RULES: Final = (
    (re.compile(r"\bjson_each\((\?\d*)\)"), r"jsonb_array_elements_text(CAST(\1 AS jsonb)) AS each(value)"),
    (re.compile(r"\bgroup_concat\("), "string_agg("),
    (re.compile(r"\blower\(hex\((\w+)\)\)"), r"encode(\1, 'hex')"),
    (re.compile(r"\bCROSS JOIN\b"), "JOIN"),  # with which SQLite is told the order, and which has its ON there as well
    (re.compile(r"\bINDEXED BY \w+"), ""),
    (re.compile(r"^BEGIN (?:IMMEDIATE|DEFERRED)$"), "BEGIN"),
)


@lru_cache(maxsize=1000)
def translated(sql: str, sent: frozenset[str] = frozenset()) -> tuple[bytes, bool]:
    """The statement with `%s`, or with `%(p2)s` (then True). Of `sent` databases (`run`) the tables are temporary ones (`run_files`)."""
    for pattern, meant in _RULES:
        sql = pattern.sub(meant, sql)
    for name in sent:
        sql = re.sub(rf"\b{name}\.(\w+)", rf"pg_temp.{name}_\1", sql)
    named = False

    def part(found: re.Match[str]) -> str:
        nonlocal named
        if found[1] is not None:
            return found[1]
        named = named or bool(found[2])
        return f"%(p{found[2]})s" if found[2] else "%s"

    # psycopg takes every other % for a value's
    return _PARTS.sub(part, sql.replace("%", "%%")).encode(), named


def bound(values: Any, *, named: bool) -> Any:
    """The values as the translated statement takes them."""
    return {f"p{number}": value for number, value in enumerate(values, 1)} if named else values

"""The schema of records: a built-in one or a file, and what it may refer to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012, EMPTY_REGISTRY

from strongroom.collections.explain import explain
from strongroom.collections.jsonschemas import Draft202012Validator
from strongroom.collections.schemas import load_schema, record_schema_names, schema_bytes
from strongroom.core.canonical import loads
from strongroom.core.errors import InvalidValueError, UsageError

_MAX_BYTES: Final = 1 << 20
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
#: A member of ours at the top of a schema: every payload file must have a record.
EVERY_FILE: Final = "x-strongroom-every-file"


@dataclass(frozen=True, slots=True)
class RecordSchema:
    name: str  # names its file in the bag: metadata/schema/NAME.json
    label: str  # as messages call it
    data: bytes  # as it goes into the bag
    value: Mapping[str, Any]

    @property
    def supplied(self) -> bool:
        return self.label != self.name

    @property
    def every_file(self) -> bool:
        return self.value.get(EVERY_FILE) is True


def load_record_schema(schema: str) -> RecordSchema:
    """The built-in schema of this name, or the file. Raises UsageError. Whether it is a schema is for `schema_problems`."""
    if schema in record_schema_names():
        name = f"records/{schema}"
        return RecordSchema(schema, schema, schema_bytes(name), load_schema(name))
    file = Path(schema)
    try:
        with file.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"metadata.schema: {file} could not be read: {error.strerror}; give its path or one of {', '.join(record_schema_names())}"
        ) from error
    if len(data) > _MAX_BYTES:
        raise UsageError(f"{file}: a schema has at most {_MAX_BYTES} bytes")
    try:
        value = loads(data, what=str(file))
    except InvalidValueError as error:
        raise UsageError(str(error)) from error
    if not isinstance(value, dict):
        raise UsageError(f"{file}: expected a JSON Schema, an object, found {type(value).__name__}")
    if value.get("$schema", _DIALECT).rstrip("#") != _DIALECT:
        raise UsageError(f"{file}: /$schema: expected {_DIALECT}, found {value['$schema']!r}; convert the schema to 2020-12")
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", file.name.removesuffix(".json").removesuffix(".schema")).strip("-")[:100] or "schema"
    return RecordSchema(name, str(file), data, value)


def registry() -> Registry[Any]:
    """What a `$ref` can reach: our own record schemas. Nothing is ever fetched or opened."""
    schemas = [load_schema(f"records/{name}") for name in record_schema_names()]
    return EMPTY_REGISTRY.with_resources((schema["$id"], DRAFT202012.create_resource(schema)) for schema in schemas)


def schema_problems(schema: Mapping[str, Any]) -> list[str]:
    """What is wrong with `schema` itself, by JSON pointer; nothing if records can be checked against it."""
    meta = Draft202012Validator(Draft202012Validator.META_SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
    problems = [f"{p.pointer or '/'}: expected {p.expected}, found {p.found}" for p in explain(meta.iter_errors(schema), meta.META_SCHEMA)]
    if not problems:
        resource = DRAFT202012.create_resource(dict(schema))
        known = registry().with_resource(resource.id() or "", resource).crawl()
        problems.extend(_references(resource, known.resolver_with_root(resource)))
    return problems


def _references(resource: Resource[Any], resolver: Any) -> Iterator[str]:
    """The references of `resource` and what is in it that lead nowhere."""
    contents = resource.contents
    for keyword in ("$ref", "$dynamicRef") if isinstance(contents, dict) else ():
        if keyword in contents:
            try:
                resolver.lookup(contents[keyword])
            except Unresolvable:
                yield (f"{keyword}: expected a place in this schema or a built-in one, found {contents[keyword]!r}; "
                       "nothing is fetched, so copy what it refers to into $defs")
    for inner in resource.subresources():
        yield from _references(inner, resolver.in_subresource(inner))

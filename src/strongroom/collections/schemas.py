"""Where the JSON Schemas lie: in a wheel inside the package, in a checkout and an editable install at the repository's root."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, Final

from strongroom.core.canonical import loads
from strongroom.core.errors import UsageError

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_NAME: Final = re.compile(r"[a-z0-9-]+(/[a-z0-9-]+)?\Z")
_SUFFIX: Final = ".schema.json"


@cache
def schemas_folder() -> Path:
    """The folder with `collection.schema.json` and its siblings. Raises UsageError if the installation lacks it."""
    for folder in (_PACKAGE / "schemas", _PACKAGE.parents[1] / "schemas"):
        if (folder / "collection.schema.json").is_file():
            return folder
    raise UsageError(f"no schemas/ in {_PACKAGE} nor in {_PACKAGE.parents[1]}: the installation is incomplete; install strongroom again")


def schema_bytes(name: str) -> bytes:
    """The file of the schema `name`, such as "collection" or "records/dublin-core". Raises UsageError listing the known ones."""
    file = schemas_folder() / f"{name}{_SUFFIX}"
    if not _NAME.match(name) or not file.is_file():
        raise UsageError(f"no schema is called {name!r}; known are {', '.join(schema_names())}")
    return file.read_bytes()


@cache
def load_schema(name: str) -> dict[str, Any]:
    """The schema `name` parsed. The same object every time: do not change it. Raises UsageError."""
    schema: dict[str, Any] = loads(schema_bytes(name), what=f"schema {name}")
    return schema


@cache
def schema_names() -> tuple[str, ...]:
    """All schemas, sorted: ("collection", …, "records/dublin-core", …)."""
    folder = schemas_folder()
    return tuple(sorted(file.relative_to(folder).as_posix().removesuffix(_SUFFIX) for file in folder.rglob(f"*{_SUFFIX}")))


def record_schema_names() -> tuple[str, ...]:
    """The built-in schemas of descriptive records, as `metadata.schema` names them: ("collection", "dublin-core", "web-page")."""
    return tuple(name.removeprefix("records/") for name in schema_names() if name.startswith("records/"))

"""OCFL storage roots: where an object lies in one (extensions 0002, 0003 and 0004 of the OCFL community)."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Final

from strongroom.core import canonical
from strongroom.core.errors import InvalidValueError, UsageError

ROOT: Final = "0=ocfl_1.1"
_DEFAULT: Final = "0003-hash-and-id-n-tuple-storage-layout"
_HASHED: Final = "0004-hashed-n-tuple-storage-layout"
_FLAT: Final = "0002-flat-direct-storage-layout"
_PLAIN: Final = re.compile(rb"[A-Za-z0-9_-]")
_DIGESTS: Final = ("sha256", "sha512", "md5", "sha1")


def make_root(folder: Path) -> None:
    """A new storage root in an empty folder, laid out by hash and id."""
    (folder / ROOT).write_text("ocfl_1.1\n")
    description = "Objects lie below three folders named by the SHA-256 of their ids, in one named by the id."
    (folder / "ocfl_layout.json").write_text(json.dumps({"extension": _DEFAULT, "description": description}, indent=2) + "\n")
    config = folder / "extensions" / _DEFAULT / "config.json"
    config.parent.mkdir(parents=True)
    values = {"extensionName": _DEFAULT, "digestAlgorithm": "sha256", "tupleSize": 3, "numberOfTuples": 3}
    config.write_text(json.dumps(values, indent=2) + "\n")


def is_root(folder: Path) -> bool:
    """Whether a storage root of any version lies there."""
    return folder.is_dir() and any(folder.glob("0=ocfl_[0-9]*"))


def object_path(root: Path, identifier: str) -> str:
    """Where the object belongs in an existing root, relative to it. Raises UsageError for a root this cannot write to."""
    if not (root / ROOT).is_file():
        found = ", ".join(sorted(one.name for one in root.glob("0=ocfl_*")))
        raise UsageError(f"{root}: is a storage root of another version ({found}); an object of OCFL 1.1 needs {ROOT}")
    layout = _read(root / "ocfl_layout.json").get("extension")
    config_file = root / "extensions" / str(layout) / "config.json"
    config = _read(config_file) if config_file.exists() else {}
    return place(identifier, layout, config, root)


def place(identifier: str, layout: object, config: dict[str, Any], root: Path) -> str:
    """The path that a layout gives an id.

    >>> place("object-01", "0003-hash-and-id-n-tuple-storage-layout", {}, Path())
    '3c0/ff4/240/object-01'
    """
    if layout == _FLAT:
        if "/" in identifier:
            raise UsageError(f"{root}: its layout {layout} has no place for the id {identifier}")
        return identifier
    algorithm, size, count = config.get("digestAlgorithm", "sha256"), config.get("tupleSize", 3), config.get("numberOfTuples", 3)
    whole = type(size) is int and type(count) is int and size >= 0 and count >= 0
    if layout not in (_DEFAULT, _HASHED) or algorithm not in _DIGESTS or not whole:
        raise UsageError(f"{root}: its layout {layout!r} is not one that can be written to; export the object alone and put it there")
    digest = hashlib.new(algorithm, identifier.encode(), usedforsecurity=False).hexdigest()
    tuples = [digest[at * size : (at + 1) * size] for at in range(count)] if size else []
    if layout == _HASHED:
        last = digest[size * count :] if config.get("shortObjectRoot") else digest
    else:
        encoded = "".join(chr(one) if _PLAIN.match(bytes([one])) else f"%{one:02x}" for one in identifier.encode())
        last = encoded if len(encoded) <= 100 else f"{encoded[:100]}-{digest}"
    return "/".join([*tuples, last])


def _read(file: Path) -> dict[str, Any]:
    try:
        value = canonical.loads(file.read_bytes(), what=str(file))
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror}), so the layout of the storage root is not known") from error
    except InvalidValueError as error:
        raise UsageError(f"{error}, so the layout of the storage root is not known") from error
    if not isinstance(value, dict):
        raise UsageError(f"{file}: is no JSON object, so the layout of the storage root is not known")
    return value

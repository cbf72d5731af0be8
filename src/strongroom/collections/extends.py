"""`extends: other.yaml`: site defaults taken from another file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from strongroom.collections.yaml_nodes import MAX_BYTES, Node, read_yaml
from strongroom.core.errors import UsageError

_MAX_CHAIN: Final = 10


def read_chain(file: Path, seen: tuple[Path, ...] = ()) -> tuple[Node, bytes]:
    """The manifest `file` laid over what it extends, without the member `extends`, and the bytes of `file` as written.

    Mappings are merged member by member, everything else (lists too) is replaced. Each value keeps the place it was written
    at, so that relative paths are relative to the file that holds them. Raises UsageError.
    """
    real = file.resolve()
    if real in seen or len(seen) >= _MAX_CHAIN:
        chain = " → ".join(str(step) for step in (*seen, real))
        raise UsageError(f"{seen[-1]}: extends: expected a chain of at most {_MAX_CHAIN} files that ends, found {chain}")
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{file}: the collection manifest could not be read: {error.strerror}; check the name") from error
    node = read_yaml(raw, file)
    if not isinstance(node.value, dict):
        raise UsageError(f"{file}:{node.line}: expected fields such as `collection: NAME`, found {type(node.value).__name__}")
    extends = node.value.pop("extends", None)
    if extends is None:
        return node, raw
    if not isinstance(extends.value, str) or not extends.value:
        raise UsageError(f"{file}:{extends.line}: extends: expected the name of one file, found {extends.plain()!r}")
    base_file = file.parent / Path(extends.value).expanduser()
    if not base_file.is_file():
        place = f"{file}:{extends.line}"
        raise UsageError(f"{place}: extends: expected a file, found nothing at {base_file}; paths are relative to {file.parent}")
    base, _ = read_chain(base_file, (*seen, real))
    return _overlay(base, node), raw


def _overlay(base: Node, over: Node) -> Node:
    if not (isinstance(base.value, dict) and isinstance(over.value, dict)):
        return over
    merged = dict(base.value)
    for key, node in over.value.items():
        merged[key] = _overlay(merged[key], node) if key in merged else node
    return Node(merged, over.file, over.line)

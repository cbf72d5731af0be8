"""YAML as collection manifests use it: a tree of values that know their file and line.

PyYAML's parser gives the events; the tree is ours, because its loaders accept alias bombs, duplicate keys and object tags,
take `no` for false and 2023-01-31 for a date object, and forget lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from strongroom.core.errors import UsageError

MAX_BYTES: Final = 1 << 20
_MAX_DEPTH: Final = 40
_INT: Final = re.compile(r"[-+]?[0-9]{1,18}\Z")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?\Z")
# The core schema of YAML 1.2 (10.3.2): yes, no, on and off are text.
_WORDS: Final[dict[str, Any]] = {"": None, "~": None, "null": None, "Null": None, "NULL": None,
                                 "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its place. `value` is a scalar, a list of nodes, or a dict from text to nodes; `line` counts from 1."""

    value: Any
    file: Path
    line: int

    def plain(self) -> Any:
        """The value without places: dicts, lists, text, numbers, booleans, None."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def at(self, path: tuple[str | int, ...]) -> Node:
        """The node at `path`, or the nearest one above it that exists."""
        node = self
        for step in path:
            inner = node.value
            known = inner if isinstance(inner, dict) else range(len(inner)) if isinstance(inner, list) else ()
            if step not in known:
                break
            node = inner[step]
        return node


def read_yaml(data: bytes, file: Path) -> Node:
    """The document in `data`, of which `file` is the name. Raises UsageError listing everything that is wrong, with lines."""
    if len(data) > MAX_BYTES:
        raise UsageError(f"{file}: {len(data)} bytes; a collection manifest has at most {MAX_BYTES}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{file}:{line}: expected UTF-8, found the byte {data[error.start]:#x}; save the file as UTF-8") from error
    builder = _Builder(text, file)
    try:
        node = builder.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        problems = [*builder.problems, f"{file}:{line}: not YAML: {error.problem or error.context}"]
        raise UsageError("\n".join(problems)) from error
    except yaml.YAMLError as error:
        raise UsageError(f"{file}: not YAML: {' '.join(str(error).split())[:300]}") from error
    if builder.problems:
        raise UsageError("\n".join(builder.problems))
    return node


class _Builder:
    def __init__(self, text: str, file: Path) -> None:
        self.events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.SafeLoader)
        self.file = file
        self.problems: list[str] = []

    def document(self) -> Node:
        root = Node({}, self.file, 1)
        documents = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._problem(event, "expected one document, found a second; remove the line ---")
                    break
                root = self._node(next(self.events), 0)
        return root

    def _problem(self, event: yaml.Event, message: str) -> int:
        line = _line(event)
        self.problems.append(f"{self.file}:{line}: {message}")
        return line

    def _node(self, event: yaml.Event, depth: int) -> Node:
        line = _line(event)
        if depth > _MAX_DEPTH:
            raise UsageError(f"{self.file}:{line}: nested more than {_MAX_DEPTH} levels deep")
        if isinstance(event, yaml.AliasEvent):
            self._problem(event, f"expected a value, found the alias *{event.anchor}; write the value out (extends: shares settings)")
            return Node(None, self.file, line)
        assert isinstance(event, yaml.NodeEvent)
        if event.anchor is not None:
            self._problem(event, f"expected a value, found the anchor &{event.anchor}; remove it (extends: shares settings)")
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._problem(event, f"expected a plain value, found the tag {tag}; remove it, and quote the value if it is text")
        if isinstance(event, yaml.ScalarEvent):
            return Node(_scalar(event.value) if event.style is None else event.value, self.file, line)
        if isinstance(event, yaml.SequenceStartEvent):
            return Node(self._items(depth), self.file, line)
        return Node(self._members(depth), self.file, line)

    def _items(self, depth: int) -> list[Node]:
        items = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return items

    def _members(self, depth: int) -> dict[str, Node]:
        members: dict[str, Node] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)  # also refuses anchors and tags on keys
            if isinstance(event, yaml.ScalarEvent):
                name = event.value
            else:
                name = f"line {key.line}"
                self._problem(event, "expected a field name, found a list, mapping or alias")
            if name in members:
                self._problem(event, f"{name}: expected once, found again (first in line {members[name].line}); remove one")
            members[name] = self._node(next(self.events), depth + 1)
        return members


def _line(event: yaml.Event) -> int:
    assert event.start_mark is not None  # PyYAML's own parser always sets it
    return int(event.start_mark.line) + 1


def _scalar(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text):
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    return text

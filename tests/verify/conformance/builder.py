"""Writes bags of every version for the tests, with nothing of the code under test."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

PAYLOAD = {"data/bare-filename": b"no extension\n", "data/text-file.txt": b"a text file\n"}


def digest(data: bytes, algorithm: str) -> str:
    return hashlib.new(algorithm, data).hexdigest()


@dataclass
class Builder:
    """A bag as it is to be written; tests change what they want to break. Digests are made when it is written."""

    version: str = "0.97"
    encoding: str = "UTF-8"
    codec: str = "utf-8"
    algorithms: Sequence[str] = ("md5",)
    tag_algorithms: Sequence[str] | None = None  # the same
    payload: dict[str, bytes] = field(default_factory=lambda: dict(PAYLOAD))
    info: list[tuple[str, str]] = field(default_factory=lambda: [("Contact-Name", "A. Keeper"), ("Bagging-Date", "2016-03-10")])
    info_text: str | None = None
    oxum: bool = True
    tags: dict[str, bytes] = field(default_factory=dict)  # further tag files
    declaration: bytes | None = None
    separator: str = "  "
    listed: dict[str, str] = field(default_factory=dict)  # how a manifest spells a path, where not as it is
    extra_lines: list[str] = field(default_factory=list)  # of every payload manifest
    unlisted: set[str] = field(default_factory=set)
    eol: str = "\n"

    def write(self, root: Path) -> Path:
        root.mkdir(parents=True)
        (root / "data").mkdir()
        for path, data in self.payload.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        tags = {"bagit.txt": self._declaration(), **self.tags}
        if (info := self._info()) is not None:
            tags.setdefault("bag-info.txt" if float(self.version) > 0.955 else "package-info.txt", info)
        for algorithm in self.algorithms:
            tags.setdefault(f"manifest-{algorithm}.txt", self._manifest(algorithm))
        listed = {f"tagmanifest-{algorithm}.txt": algorithm for algorithm in self._tag_algorithms()}
        for name, algorithm in listed.items():
            lines = [f"{digest(data, algorithm)}{self.separator}{path}" for path, data in tags.items() if path not in listed]
            tags[name] = self._text(lines)
        for path, data in tags.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        return root

    def _tag_algorithms(self) -> Sequence[str]:
        return self.algorithms if self.tag_algorithms is None else self.tag_algorithms

    def _declaration(self) -> bytes:
        if self.declaration is not None:
            return self.declaration
        return f"BagIt-Version: {self.version}{self.eol}Tag-File-Character-Encoding: {self.encoding}{self.eol}".encode()

    def _info(self) -> bytes | None:
        if self.info_text is not None:
            return self.info_text.encode(self.codec)
        pairs = list(self.info)
        if self.oxum:
            pairs.append(("Payload-Oxum", f"{sum(map(len, self.payload.values()))}.{len(self.payload)}"))
        return self._text([f"{label}: {value}" for label, value in pairs]) if pairs else None

    def _manifest(self, algorithm: str) -> bytes:
        lines = [
            f"{digest(data, algorithm)}{self.separator}{self.listed.get(path, path)}"
            for path, data in self.payload.items()
            if path not in self.unlisted
        ]
        return self._text(lines + self.extra_lines)

    def _text(self, lines: list[str]) -> bytes:
        return "".join(line + self.eol for line in lines).encode(self.codec, "surrogateescape")

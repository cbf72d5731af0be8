from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from strongroom.collections import MetadataSettings
from strongroom.metadata import ValidationResult, validate


class Paths:
    """The payload paths of a folder, as the scan would give them."""

    def __init__(self, source: Path) -> None:
        found = (f"data/{file.relative_to(source).as_posix()}" for file in source.rglob("*") if file.is_file())
        self._paths = sorted(found, key=str.encode)

    def __contains__(self, payload_path: str, /) -> bool:
        return payload_path in self._paths

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


@pytest.fixture
def check(tmp_path: Path, source: Path) -> Callable[..., ValidationResult]:
    """Validate `source`; files given as keyword `files` are written first."""

    def run(files: dict[str, bytes | str] | None = None, *, seconds: float = 10.0, **settings: object) -> ValidationResult:
        for name, data in (files or {}).items():
            file = source / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data.encode() if isinstance(data, str) else data)
        work = tmp_path / f"work{len(list(tmp_path.glob('work*')))}"
        work.mkdir()
        return validate(MetadataSettings(**settings), source, work, Paths(source), seconds_per_record=seconds)  # type: ignore[arg-type]

    return run

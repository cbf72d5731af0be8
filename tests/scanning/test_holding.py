"""A content that is held is held whole and durably, or not at all."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError
from strongroom.usecases.quarantine.holding import Holding

CONTENT = b"a virus" * 1000


def broken() -> Iterator[bytes]:
    yield CONTENT[:100]
    raise OSError(errno.EIO, "the disk failed")


def test_what_could_not_be_read_to_its_end_leaves_nothing(tmp_path: Path) -> None:
    holding, folder = Holding(tmp_path), tmp_path / "quarantine"
    with pytest.raises(OSError, match="the disk failed"):
        holding.put(Digest.of(CONTENT).raw, broken())
    assert list(folder.iterdir()) == []
    with pytest.raises(InvalidValueError, match="other bytes"):
        holding.put(Digest.of(CONTENT).raw, [CONTENT[:100]])
    assert list(folder.iterdir()) == []


def test_what_is_held_is_durable_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest, folder = Digest.of(CONTENT), tmp_path / "quarantine"
    real, synced = os.fsync, []

    def fsync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        synced.append((is_folder, (folder / digest.hex).exists()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    Holding(tmp_path).put(digest.raw, [CONTENT])
    assert synced == [(False, False), (True, True)]  # the bytes before the name, the name when it is there
    assert [path.name for path in folder.iterdir()] == [digest.hex]
    assert (folder / digest.hex).read_bytes() == CONTENT
    assert stat.S_IMODE((folder / digest.hex).stat().st_mode) == 0o400

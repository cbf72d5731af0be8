"""A store that takes bytes, says that all is well, and keeps others: whatever is written into it is read back before it counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.keys import StoreKey
from strongroom.core.pack import PackBuilder
from strongroom.stores.file import FileStore
from strongroom.usecases.repair.healing import HealBatch, heal_objects
from strongroom.usecases.replicate.sink import Sink
from strongroom.usecases.withheld.tombstones import Withheld
from tests.restore.builder import make_store

DATA = b"what a bag needs"
CONTENT = Digest.of(DATA)


class Forgetful(FileStore):
    """Keeps a flipped bit of every pack and content, `times` times; everything else is kept as it is."""

    def __init__(self, root: str, times: int) -> None:
        super().__init__(root)
        self.folder, self.times = Path(root), times

    def put(self, key: StoreKey, data: bytes | bytearray | memoryview, *, sha256: Digest) -> None:
        super().put(key, data, sha256=sha256)
        self._forget(key)

    def put_stream(self, key: StoreKey, source: Any, length: int, *, sha256: Digest) -> None:
        super().put_stream(key, source, length, sha256=sha256)
        self._forget(key)

    def _forget(self, key: StoreKey) -> None:
        base = key.base[0].text
        if self.times and (base.endswith(".tar") or base.startswith("content/")):
            self.times -= 1
            file = self.folder / key.text
            data = bytearray(file.read_bytes())
            data[600 if base.endswith(".tar") else 0] ^= 1
            file.chmod(0o644)
            file.write_bytes(data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    make_store(f"file://{tmp_path}/store")
    return tmp_path / "store"


@pytest.mark.parametrize(("times", "kept"), [(0, True), (1, True), (9, False)])
def test_a_replicas_pack_counts_only_when_it_reads_back(folder: Path, times: int, kept: bool) -> None:
    sink = Sink(Forgetful(str(folder), times))
    sink.add(CONTENT, DATA)
    sink.flush()
    assert bool(sink.written) is kept and (CONTENT.raw in sink.failed) is not kept
    assert len(list(folder.glob("packs/*/*.tar*"))) == min(times, 1) + 1


@pytest.mark.parametrize("kind", ["pack", "content"])
@pytest.mark.parametrize(("times", "healed"), [(0, True), (9, False)])
def test_a_repair_counts_only_when_it_reads_back(folder: Path, tmp_path: Path, times: int, healed: bool, kind: str) -> None:
    (tmp_path / "good").mkdir()
    good = make_store(f"file://{tmp_path}/good")
    builder = PackBuilder()
    builder.add(CONTENT, DATA)
    tar, _, pack, _ = builder.finish()
    digest, data = (pack, tar) if kind == "pack" else (CONTENT, DATA)
    good.put(keys.stored(kind, digest), data, sha256=digest)
    result = heal_objects(HealBatch(Forgetful(str(folder), times), (good,), ((kind, digest),), Withheld(tmp_path / "none", 0), {}))
    assert bool(result.healed) is healed and bool(result.left) is not healed

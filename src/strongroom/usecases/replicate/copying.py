"""A worker's share of a transfer: read some objects of a store once, verify each content, write it into another store."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Final, cast

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, NotFoundInStoreError, UnreadableInStoreError
from strongroom.core.keys import StoreKey, parse_pack_key
from strongroom.core.pack import INDEX_LIMIT, parse_index
from strongroom.stores.generations import read_all
from strongroom.stores.interface import Reader, Store
from strongroom.usecases.framing import is_framed
from strongroom.usecases.packcheck import check_bytes
from strongroom.usecases.replicate.sink import Sink, Written
from strongroom.usecases.restore.contents import is_streamed, read_run, runs
from strongroom.usecases.restore.indexes import pack_digest
from strongroom.usecases.restore.plan import WHOLE, Need, Plan

_PACK_LIMIT: Final = 64 << 20  # ours have at most 22 MiB; a longer one is packed anew
_WHOLE_SHARE: Final = 0.5  # a pack of which less than this is wanted is not copied as it is, though all of it belongs here


@dataclass(frozen=True, slots=True)
class CopyBatch:
    """The objects of `source` to be read; what is needed of them stands in the plan's job."""

    plan: Path
    source: Store
    target: Store
    keys: tuple[str, ...]


@dataclass(slots=True)
class CopyResult:
    keys: tuple[str, ...] = ()
    written: list[Written] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)  # contents that are not sound in these objects, or could not be written
    bad_keys: list[str] = field(default_factory=list)  # objects in which they were not
    contents: int = 0
    size: int = 0  # bytes written


def weigh(result: CopyResult) -> tuple[int, int]:
    return result.contents, result.size


def copy_batch(batch: CopyBatch) -> CopyResult:
    """Bring every content that is to be read from these objects. Raises StoreError; a second run does what the first did not."""
    result = CopyResult(batch.keys)
    with Plan(batch.plan) as plan:
        sink = Sink(batch.target)
        copier = _Copier(plan, batch.source, sink, result)
        for key in batch.keys:
            copier.read_object(key)
        sink.flush()
        finish(result, sink, copier.numbers)
    return result


def finish(result: CopyResult, sink: Sink, numbers: dict[bytes, int]) -> None:
    """Put what became of the sink into the result. `numbers`: of the contents that were wanted, by SHA-256."""
    result.written = sink.written
    result.failed += [numbers[sha256] for sha256 in sink.failed if sha256 in numbers]
    result.contents = sum(len(written.contents) for written in sink.written)
    result.size = sum(written.size for written in sink.written)


class _Copier:
    def __init__(self, plan: Plan, source: Store, sink: Sink, result: CopyResult) -> None:
        self._plan, self._source, self._sink, self._result = plan, source, sink, result
        self.numbers: dict[bytes, int] = {}

    def read_object(self, text: str) -> None:
        wanted = list(self._plan.needs(text))
        self.numbers.update((need.sha, need.content) for need in wanted)
        whole = self._whole(text, wanted)
        if whole is not None and is_framed(StoreKey(text)):
            if self._copy_frames(StoreKey(text), whole):
                return
            whole = None
        if whole is not None:
            self._sink.flush()
        failed = {need.content for need in wanted} & self._read(StoreKey(text), whole or wanted)
        if whole is not None:
            self._sink.flush()  # so that a pack of ours becomes the same pack again
        if failed:
            self._result.failed += failed
            self._result.bad_keys.append(text)

    def _whole(self, text: str, wanted: list[Need]) -> list[Need] | None:
        """Every member of a pack, if all of them are contents of the bag that is brought and none is withheld; else None, and what is
        wanted is packed anew.

        Members are taken one by one, each verified, so that nothing comes along that the index does not name.
        """
        if not text.startswith("packs/"):
            return None
        try:
            members = parse_index(read_all(self._source, keys.pack_index(pack_digest(StoreKey(text))), INDEX_LIMIT))
        except (NotFoundInStoreError, DamagedInStoreError, InvalidValueError):
            return None
        needs = []
        for member in members:
            row = self._plan.db.execute("SELECT id, withheld FROM content WHERE sha = ?", (member.digest.raw,)).fetchone()
            if row is None or row[1]:
                return None
            frame = (member.frame.offset, member.frame.length) if member.frame else ()
            needs.append(Need(row[0], member.digest.raw, member.offset, member.length, *frame))
        share = sum(need.length for need in wanted) >= _WHOLE_SHARE * sum(need.length for need in needs)
        return needs if share and {need.sha for need in wanted} <= {need.sha for need in needs} else None

    def _copy_frames(self, key: StoreKey, needs: list[Need]) -> bool:
        """Copy a compressed pack as it is stored: another version of zstd would not make the same bytes from its members. Whether that
        was done: every member is sound, and nothing else lies in it."""
        found = parse_pack_key(key)
        if found is None or not self._sink.takes_zstd():
            return False
        try:
            data = read_all(self._source, key, _PACK_LIMIT)
        except (NotFoundInStoreError, DamagedInStoreError):
            return False
        check = check_bytes(data)
        if check.digest != found[1] or not check.plain or {sha.raw for sha, _ in check.sound} != {need.sha for need in needs}:
            return False
        self.numbers.update((need.sha, need.content) for need in needs)
        self._sink.put_pack("zstd", check.digest, data, check.index(), check.framed)
        return True

    def _read(self, key: StoreKey, needs: list[Need]) -> set[int]:
        """Hand every sound content to the sink; the numbers of the others."""
        failed: set[int] = set()
        for run in runs(iter(needs)):
            if is_streamed(run):
                failed |= self._stream(key, run[0])
                continue
            for need, data in read_run(self._source, key, run):
                if data is None:
                    failed.add(need.content)
                else:
                    self._sink.add(Digest.from_bytes(need.sha), data, compress=need.stored > 0)
        return failed

    def _stream(self, key: StoreKey, need: Need) -> set[int]:
        try:
            length = self._source.head(key).size if need.length == WHOLE else need.length
            if need.length == WHOLE:
                self._pieces(key)
            self._sink.stream(Digest.from_bytes(need.sha), length, partial(open_range, self._source, key, need.offset, length))
        except (NotFoundInStoreError, UnreadableInStoreError):
            return {need.content}
        return {need.content} if need.sha in self._sink.failed else set()

    def _pieces(self, key: StoreKey) -> None:
        """The digests of its pieces come before a large content, so that they are there whenever it is."""
        self._sink.copy_hint(self._source, StoreKey(f"{key.base[0]}.pieces"))


def open_range(store: Store, key: StoreKey, start: int, length: int) -> IO[bytes]:
    """Part of an object as a file that is read once, in order."""
    return cast(IO[bytes], _Range(store.get(key, start, length)))


class _Range(io.RawIOBase):
    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self._reader = reader

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        return self._reader.readinto(buffer)

    def close(self) -> None:
        self._reader.close()
        super().close()


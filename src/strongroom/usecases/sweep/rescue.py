"""A worker's share: what bags still need of packs and objects that are condemned, stored anew at keys that no sweep names."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, NotFoundInStoreError
from strongroom.core.keys import StoreKey
from strongroom.core.plural import plural
from strongroom.stores.generations import generations
from strongroom.stores.interface import Store
from strongroom.usecases.framing import is_framed
from strongroom.usecases.repair.healing import members_by_headers
from strongroom.usecases.replicate.copying import open_range
from strongroom.usecases.replicate.sink import Sink, Written
from strongroom.usecases.restore.contents import is_streamed, read_run, runs
from strongroom.usecases.restore.plan import Need


@dataclass(frozen=True, slots=True)
class RescueJob:
    """`target` is `source` as writers see it. Each base with the contents that are to be kept of it."""

    source: Store
    target: Store
    bases: tuple[tuple[str, tuple[bytes, ...]], ...]


@dataclass(frozen=True, slots=True)
class Rescued:
    """`gone`: another sweeper was first. It deleted the base, so it had stored anew before what bags need of it."""

    base: str
    written: tuple[Written, ...]
    gone: bool = False


def rescue(job: RescueJob) -> list[Rescued]:
    """Pack anew, each base by itself so that nothing is mixed that was apart, and read back.

    Equal members make the same pack again: running it twice stores nothing twice. Raises DamagedInStoreError if a content cannot be had:
    then nothing may be deleted.
    """
    return [_one(job, base, set(keep)) for base, keep in job.bases]


def _one(job: RescueJob, base: str, keep: set[bytes]) -> Rescued:
    sink = Sink(job.target)
    left = set(keep)
    for key in generations(job.source, StoreKey(base)):
        if left:
            with suppress(NotFoundInStoreError):
                _take(job.source, key, left, sink)
    sink.flush()
    if not left and not sink.failed:
        return Rescued(base, tuple(sink.written))
    if not generations(job.source, StoreKey(base)):
        return Rescued(base, tuple(sink.written), gone=True)
    raise DamagedInStoreError(f"{job.source.url}: {base}: {plural(len(left | sink.failed), 'content')} that bags need could not be stored "
                              "anew; nothing was deleted. Run `strongroom audit` and `strongroom repair`")


def _take(source: Store, key: StoreKey, left: set[bytes], sink: Sink) -> None:
    """Hand what is sound in one generation to the sink, and strike it from `left`. Raises NotFoundInStoreError."""
    if not key.text.startswith("packs/"):
        digest = Digest(key.base[0].text.rpartition("/")[2])
        size = source.head(key).size
        sink.stream(digest, size, partial(open_range, source, key, 0, size))
        left.difference_update({digest.raw} - sink.failed)
        return
    needs = []
    for number, member in enumerate(members_by_headers(source, key)):
        if member.digest.raw in left:
            frame = (member.frame.offset, member.frame.length) if member.frame else ()
            needs.append(Need(number, member.digest.raw, member.offset, member.length, *frame))
    for run in runs(iter(needs)):
        if is_streamed(run):
            need = run[0]
            sink.stream(Digest.from_bytes(need.sha), need.length, partial(open_range, source, key, need.offset, need.length))
            left.difference_update({need.sha} - sink.failed)
            continue
        for need, data in read_run(source, key, run):
            if data is not None and need.sha in left:
                sink.add(Digest.from_bytes(need.sha), data, compress=is_framed(key))
                left.discard(need.sha)

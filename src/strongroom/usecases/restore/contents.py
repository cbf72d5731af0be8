"""Reading contents out of objects of a store: neighbours in one range, large ones as a stream."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Final

from strongroom.core.errors import NotFoundInStoreError, StoreRefusedError, StoreUnreachableError, UnreadableInStoreError
from strongroom.core.keys import StoreKey
from strongroom.hashing import digests_of
from strongroom.stores.generations import answers
from strongroom.stores.interface import Store
from strongroom.usecases.framing import frame_content
from strongroom.usecases.restore.plan import WHOLE, Need
from strongroom.usecases.sealed.objects import CHUNK, read_as_far

#: Members at most this far apart are read in one request: on object stores a request costs as much as about a MiB.
GAP: Final = 1 << 20
#: One request reads at most this much, which bounds a worker's memory.
RUN: Final = 40 << 20
#: A content above this is streamed to the disk.
STREAM: Final = 8 << 20
#: So many places of a run may fail to be read: a disk with bad sectors gives what lies between them, a dying one is not hammered.
_FAILURES: Final = 16

#: Told of each content that could not be read although the store answers, and why. Where there is none, StoreUnreachableError is raised.
Unread = Callable[[Need, StoreUnreachableError], None]


def runs(needs: Iterable[Need]) -> Iterator[list[Need]]:
    """Groups of needs, which come in order of offset, that are read with one request each. A need to be streamed is alone."""
    run: list[Need] = []
    end = 0
    for need in needs:
        if run and (_streamed(need) or need.start - end > GAP or need.end - run[0].start > RUN):
            yield run
            run = []
        if _streamed(need):
            yield [need]
            continue
        end = max(end if run else 0, need.end)
        run.append(need)
    if run:
        yield run


def _streamed(need: Need) -> bool:
    return not need.stored and (need.length == WHOLE or need.length > STREAM)


def is_streamed(run: list[Need]) -> bool:
    return len(run) == 1 and _streamed(run[0])


def read_run(store: Store, key: StoreKey, run: list[Need], unread: Unread | None = None) -> Iterator[tuple[Need, memoryview | None]]:
    """Each content of a run that has its digest; None for one that has not, is not there, or could not be read (then `unread` is told).

    What cannot be read costs the contents it lies in: reading goes on behind it.
    """
    failures = 0
    while run:
        start = run[0].start
        try:
            data, error = read_as_far(store, key, start, max(need.end for need in run) - start)
        except (NotFoundInStoreError, UnreadableInStoreError):
            yield from ((need, None) for need in run)
            return
        if error is None:
            yield from _verified(data, start, run)
            return
        if unread is None or not answers(store):
            raise error
        have = start + len(data)
        yield from _verified(data, start, [need for need in run if need.end <= have])
        run = [need for need in run if need.end > have]
        failures += 1
        behind = [] if failures == _FAILURES or isinstance(error, StoreRefusedError) else [need for need in run if need.start > have]
        for need in run[: len(run) - len(behind)]:  # they come in order of where they start
            unread(need, error)
            yield need, None
        run = behind


def _verified(data: bytearray, start: int, run: list[Need]) -> Iterator[tuple[Need, memoryview | None]]:
    """Each content of a run whose bytes, from `start` of the object, are `data`. Of a compressed pack one frame is expanded at a time."""
    view = memoryview(data)
    for frame, group in groupby(run, key=lambda need: need.frame if need.stored else None):
        needs = list(group)
        source, at = view, start
        if frame is not None:
            source, at = frame_content(view[frame - start : needs[0].end - start]), 0
        contents = [source[need.offset - at : need.offset - at + need.length] for need in needs]
        for need, content, sha in zip(needs, contents, digests_of(contents, "sha256"), strict=True):
            yield need, content if sha == need.sha else None


def stream(store: Store, key: StoreKey, need: Need, fd: int, unread: Unread | None = None) -> bool:
    """Write a content to the open file `fd`, going on after what is already in it; whether the whole then has its digest.

    Where what was there turns out wrong, it is written again from the beginning. Raises OSError where the file cannot be written.
    """
    try:
        return (os.fstat(fd).st_size > 0 and _stream(store, key, need, fd, resume=True)) or _stream(store, key, need, fd, resume=False)
    except StoreUnreachableError as error:
        if unread is None or not answers(store):
            raise
        unread(need, error)
        return False


def _stream(store: Store, key: StoreKey, need: Need, fd: int, *, resume: bool) -> bool:
    if not resume:
        os.ftruncate(fd, 0)
    os.lseek(fd, 0, os.SEEK_SET)
    hashing = hashlib.sha256()
    have = 0
    while chunk := os.read(fd, CHUNK):
        hashing.update(chunk)
        have += len(chunk)
    if need.length != WHOLE and have > need.length:
        return False
    try:
        with store.get(key, need.offset + have, None if need.length == WHOLE else need.length - have) as reader:
            while chunk := reader.read(CHUNK):
                hashing.update(chunk)
                write_all(fd, chunk)
    except NotFoundInStoreError:
        return False
    return hashing.digest() == need.sha


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write every byte: write(2) may take fewer than it is given."""
    with memoryview(data) as view:
        at = os.write(fd, view)
        while at < len(view):
            at += os.write(fd, view[at:])

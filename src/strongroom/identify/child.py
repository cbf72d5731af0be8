"""The process in which contents are identified, until its parent is gone or a content ends it.

It reads what strangers wrote with libraries in C and Go, so the kernel holds it to limits: memory, CPU seconds and seconds for each
content. Who exceeds one ends the process; the parent sees at which content it was, and starts another.
"""

from __future__ import annotations

import mmap
import os
import resource
import signal
import struct
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from typing import Final, NamedTuple, NoReturn

from strongroom.core.formats import Format
from strongroom.identify import verdict

#: Bytes of memory of its own that it may have. The libraries themselves take 210 MB, most of it never touched.
MEMORY: Final = 1 << 30
#: Where contents begin in the shared file. Before them stands the number of the one that is looked at, so that it outlives the process.
CONTENTS: Final = mmap.PAGESIZE
AT_WORK: Final = struct.Struct("=Q")
#: So many contents are looked at together: a third of the time is saved. What ends the process may be any of them.
TOGETHER: Final = 32
#: Where a process finds its open files by number.
_OPEN_FILES: Final = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
_LINKS: Final = 500  # names are kept for so many extensions


class Item(NamedTuple):
    """A content to be identified: `size` bytes from `start` of the shared file, or (None) the file that is sent after the request."""

    extension: str
    seconds: float  # of CPU that it may take; ten times that by the clock
    start: int
    size: int | None


#: A folder in which names may be made, the contents, and how many may be looked at together.
Request = tuple[str, list[Item], int]
#: For each content in its order the verdict, or in words why there is none; one list for those that were looked at together.
Answers = list[Format | str]


def main(connection: Connection, shared: int) -> NoReturn:
    """Send the signatures, and then Answers to each Request. `shared`: the descriptor of a file that both processes have."""
    _limit(resource.RLIMIT_CORE, 0)  # a core would hold what is being archived
    _limit(resource.RLIMIT_DATA, MEMORY)
    connection.send(verdict.signatures())
    for number in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)  # ends the process, wherever it is
    worker = _Worker(connection, shared)
    while True:
        try:
            for answers in worker.answers(*connection.recv()):
                connection.send(answers)
        except (EOFError, OSError):
            os._exit(0)


class _Worker:
    def __init__(self, connection: Connection, shared: int) -> None:
        self._connection, self._shared = connection, shared
        self._at_work = mmap.mmap(shared, CONTENTS)
        self._own = [own_file() for _ in range(TOGETHER)]
        self._names = _Names()

    def answers(self, folder: str, items: list[Item], together: int) -> Iterator[Answers]:
        for at in range(0, len(items), together):
            some = items[at : at + together]
            AT_WORK.pack_into(self._at_work, 0, at)
            descriptors = [self._received() if one.size is None else self._copied(number, one) for number, one in enumerate(some)]
            seconds = max(one.seconds for one in some)
            signal.setitimer(signal.ITIMER_PROF, seconds)
            signal.setitimer(signal.ITIMER_REAL, seconds * 10)
            answers = self._judge(folder, descriptors, some)
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
            for descriptor, one in zip(descriptors, some, strict=True):
                if one.size is not None:
                    os.ftruncate(descriptor, 0)  # or each keeps the memory of the longest
            yield answers

    def _received(self) -> int:
        sent = recv_handle(self._connection)
        os.dup2(sent, self._own[0])  # names lead there
        os.close(sent)
        return self._own[0]

    def _copied(self, number: int, item: Item) -> int:
        """A content in a file of its own, which is what siegfried wants."""
        assert item.size is not None
        if number == 0:  # what was sent may stand there
            os.dup2(fresh := own_file(), self._own[0])
            os.close(fresh)
        os.ftruncate(self._own[number], item.size)
        os.pwrite(self._own[number], os.pread(self._shared, item.size, item.start), 0)
        return self._own[number]

    def _judge(self, folder: str, descriptors: list[int], items: list[Item]) -> Answers:
        try:
            names = [self._names.name(folder, item.extension, descriptor) for descriptor, item in zip(descriptors, items, strict=True)]
            return [*verdict.judge([
                verdict.Subject(descriptor, os.fstat(descriptor).st_size, item.extension, name)
                for descriptor, item, name in zip(descriptors, items, names, strict=True)
            ])]
        except Exception as error:  # a library's own: nothing it says of one file may end the run
            if len(items) > 1:
                return [answer for one in zip(descriptors, items, strict=True) for answer in self._judge(folder, [one[0]], [one[1]])]
            return ["it wanted more memory than it may have" if isinstance(error, MemoryError) else f"{type(error).__name__}: {error}"]


class _Names:
    """Symbolic links with an extension, since some formats are known by that alone."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, int], str] = {}

    def name(self, folder: str, extension: str, descriptor: int) -> str:
        """A name with the extension of the file behind a descriptor."""
        wanted = folder, extension, descriptor
        if wanted not in self._known:
            if len(self._known) >= _LINKS:
                for old in self._known.values():
                    with suppress(OSError):  # the folder may be gone with its run
                        os.unlink(old)
                self._known.clear()
            name = os.path.join(folder, f"{os.getpid()}-{descriptor}" + (f".{extension}" if extension else ""))
            with suppress(FileExistsError):  # of a process that ended and had the same number: it leads to the same place
                os.symlink(f"{_OPEN_FILES}/{descriptor}", name)
            self._known[wanted] = name
        return self._known[wanted]


def own_file() -> int:
    """A file in memory, or where there are none, one without a name on the disk."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("strongroom", os.MFD_CLOEXEC)
    import tempfile  # noqa: PLC0415 -- pragma: no cover

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _limit(what: int, value: int) -> None:
    hard = resource.getrlimit(what)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(what, (value, value))

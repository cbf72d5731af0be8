"""The process in which contents are identified, until all who asked it are gone or a content ends it.

It reads what strangers wrote with libraries in C and Go, so the kernel holds it to limits: memory, CPU seconds and seconds for each
content. Who exceeds one ends the process. One that works for a single worker is then known to have been at that worker's content; of one
that works for several, each of them looks again at what it had there, in a process of its own.
"""

from __future__ import annotations

import mmap
import os
import resource
import select
import signal
import socket
import struct
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from typing import Final, NamedTuple, NoReturn

from strongroom.core.formats import Format
from strongroom.identify import libmagic, verdict

#: Bytes of memory of its own that it may have. The libraries themselves take 210 MB, most of it never touched, and each thread 8.
MEMORY: Final = 1 << 30
#: The status with which it ends when it is refused more: nobody could say whose content wanted it.
OUT_OF_MEMORY: Final = 4
#: So many workers share a process. pygfried keeps Python's lock while siegfried looks, so one worker's contents at a time; where there is
#: more than one worker, siegfried looks at so many of these at once.
SHARED_BY: Final = 4
#: Seconds after which one that is shared ends for want of work: a run needs its memory for other things when all is identified.
IDLE: Final = 2.0
_STARTING: Final = 30.0  # seconds of CPU
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


def main(how: str, descriptor: int) -> NoReturn:
    """`how`: "connected", to answer one worker over the socket `descriptor`, or "listening", to answer all who connect to it.

    Each sends the descriptor of the file through which its contents go (own_file), and gets the signatures, then Answers to each Request.
    """
    _limit(resource.RLIMIT_CORE, 0)  # a core would hold what is being archived
    _limit(resource.RLIMIT_DATA, MEMORY)
    for number in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)  # ends the process, wherever it is
    limits = _Limits()
    with limits.within(_STARTING):
        verdict.signatures()
    if how == "connected":
        _work(Connection(descriptor), limits)
    else:
        _listen(socket.socket(fileno=descriptor), limits)
    os._exit(0)


def _listen(listener: socket.socket, limits: _Limits) -> None:
    """Answer the first SHARED_BY that connect, each in a thread, until all are gone or want nothing. The first has connected already."""
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    came = here = 0
    while not came or (here and limits.idle() < IDLE):
        for descriptor, _ in poll.poll(IDLE * 1000):
            if descriptor != listener.fileno():  # gone, even if its thread is still at work
                poll.unregister(descriptor)
                os.close(descriptor)
                here -= 1
                continue
            connection = Connection(listener.accept()[0].detach())
            poll.register(os.dup(connection.fileno()), 0)  # tells of nothing but its end
            came, here = came + 1, here + 1
            if came == SHARED_BY:  # before that one is answered, so that whoever comes next is refused
                poll.unregister(listener)
                listener.close()
            threading.Thread(target=_work, args=(connection, limits), daemon=True).start()


def _work(connection: Connection, limits: _Limits) -> None:
    """Answer one worker until it is gone."""
    try:
        with suppress(EOFError, ConnectionError), connection, _Worker(connection, recv_handle(connection), limits) as worker:
            with limits.within(_STARTING):
                libmagic.mime_type(b"loaded")  # or it would be at the first content's cost
            connection.send(verdict.signatures())
            while True:
                for answers in worker.answers(*connection.recv()):
                    connection.send(answers)
    except BaseException as error:  # nobody may wait for a thread that is no more
        traceback.print_exc()
        os._exit(OUT_OF_MEMORY if isinstance(error, MemoryError) else 1)


class _Limits:
    """Timers of the kernel, which know only the process as a whole: they are set to the nearest end of what any thread may take, so that
    no thread's new work puts off another's end. Threads use the CPU together: with two at work, each may take twice as long. That is rough,
    but where there are several nothing is decided by it: the content is looked at again, alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: dict[int, tuple[float, float]] = {}  # by CPU, by the clock
        self._last = time.monotonic()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """End the process if what is done here takes more than so many seconds of CPU, or ten times that by the clock."""
        thread = threading.get_ident()
        with self._lock:
            self._ends[thread] = time.process_time() + seconds * (len(self._ends) + 1), time.monotonic() + seconds * 10
            self._set()
        yield
        with self._lock:
            del self._ends[thread]
            self._last = time.monotonic()
            self._set()

    def idle(self) -> float:
        """Seconds since a thread did anything; 0 while one does."""
        with self._lock:
            return 0 if self._ends else time.monotonic() - self._last

    def _set(self) -> None:
        for timer, clock, ends in zip((signal.ITIMER_PROF, signal.ITIMER_REAL), (time.process_time, time.monotonic),
                                      zip(*self._ends.values(), strict=True) if self._ends else ((), ()), strict=True):
            signal.setitimer(timer, max(1e-6, min(ends) - clock()) if ends else 0)


class _Worker:
    """What is kept for one worker."""

    def __init__(self, connection: Connection, shared: int, limits: _Limits) -> None:
        self._connection, self._shared, self._limits = connection, shared, limits
        self._at_work = mmap.mmap(shared, CONTENTS)
        self._own = [own_file() for _ in range(TOGETHER)]
        self._names = _Names()

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._at_work.close()
        for descriptor in (self._shared, *self._own):
            os.close(descriptor)

    def answers(self, folder: str, items: list[Item], together: int) -> Iterator[Answers]:
        for at in range(0, len(items), together):
            some = items[at : at + together]
            AT_WORK.pack_into(self._at_work, 0, at)
            descriptors = [self._received() if one.size is None else self._copied(number, one) for number, one in enumerate(some)]
            with self._limits.within(max(one.seconds for one in some)):
                answers = self._judge(folder, descriptors, some)
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
            subjects = [verdict.Subject(descriptor, os.fstat(descriptor).st_size, item.extension, name)
                        for descriptor, item, name in zip(descriptors, items, names, strict=True)]
            several = threading.active_count() > 2  # the thread that listens, and one for each worker
            return [*verdict.judge(subjects, at_once=SHARED_BY if several else 1)]
        except MemoryError:
            raise
        except Exception as error:  # a library's own: nothing it says of one file may end the run
            if len(items) > 1:
                return [answer for one in zip(descriptors, items, strict=True) for answer in self._judge(folder, [one[0]], [one[1]])]
            return [f"{type(error).__name__}: {error}"]


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

"""The process in which contents are identified: one after another, until its parent is gone or a content ends it.

It reads what strangers wrote with libraries in C and Go, so the kernel holds it to limits: memory, CPU seconds and seconds for each
content. Who exceeds one ends the process; the parent takes that for the verdict and starts another.
"""

from __future__ import annotations

import os
import resource
import signal
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from typing import Final, NoReturn

from strongroom.core.formats import Format
from strongroom.identify import verdict

#: Bytes of memory of its own that it may have. The libraries themselves take 210 MB, most of it never touched.
MEMORY: Final = 1 << 30
#: Where a process finds its open files by number.
_OPEN_FILES: Final = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
_LINKS: Final = 500  # names are kept for so many extensions


def main(connection: Connection, shared: int, shared_path: str) -> NoReturn:
    """Answer `(folder, extension, size, seconds)` with a verdict. A size of None: the parent sends a descriptor after it; otherwise the
    content is the first `size` bytes of the file behind `shared`. `folder`: where names for it may be made."""
    _limit(resource.RLIMIT_CORE, 0)  # a core would hold what is being archived
    _limit(resource.RLIMIT_DATA, MEMORY)
    connection.send(verdict.signatures())
    for number in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)  # ends the process, wherever it is
    names = _Names()
    slot = os.dup(shared)  # where descriptors that are sent are put, so that names lead to them as well
    while True:
        try:
            folder, extension, size, seconds = connection.recv()
            if size is None:
                sent = recv_handle(connection)
                os.dup2(sent, slot)
                os.close(sent)
        except (EOFError, OSError):
            os._exit(0)
        descriptor, path = (slot, f"{_OPEN_FILES}/{slot}") if size is None else (shared, shared_path)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        signal.setitimer(signal.ITIMER_REAL, seconds * 10)
        found = _judge(descriptor, extension, names, folder, path)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        connection.send(found)


def _limit(what: int, value: int) -> None:
    hard = resource.getrlimit(what)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(what, (value, value))


def _judge(descriptor: int, extension: str, names: _Names, folder: str, path: str) -> Format | str:
    """The verdict, or in words why there is none."""
    try:
        return verdict.judge(descriptor, os.fstat(descriptor).st_size, extension, names.name(folder, extension, path))
    except MemoryError:
        return "it wanted more memory than it may have"
    except Exception as error:  # a library's own: nothing it says of one file may end the run
        return f"{type(error).__name__}: {error}"


class _Names:
    """Symbolic links with an extension, since some formats are known by that alone."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], str] = {}

    def name(self, folder: str, extension: str, path: str) -> str:
        """A name of the file at `path` that has the extension."""
        wanted = folder, extension, path
        if wanted not in self._known:
            if len(self._known) >= _LINKS:
                for old in self._known.values():
                    with suppress(OSError):  # the folder may be gone with its run
                        os.unlink(old)
                self._known.clear()
            name = os.path.join(folder, f"{os.getpid()}-{path.rpartition('/')[2]}" + (f".{extension}" if extension else ""))
            with suppress(FileExistsError):  # of a process that ended and had the same number: it leads to the same place
                os.symlink(path, name)
            self._known[wanted] = name
        return self._known[wanted]


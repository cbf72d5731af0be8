"""Identifying contents in a process apart, which may crash, hang or eat memory: that costs the content, and nobody else anything."""

from __future__ import annotations

import mmap
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.reduction import send_handle
from pathlib import Path
from typing import Final

from strongroom.core.errors import StrongroomError
from strongroom.core.formats import UNIDENTIFIED, Format
from strongroom.identify.child import AT_WORK, CONTENTS, TOGETHER, Answers, Item, own_file

#: CPU seconds that a content may take, and bytes for which a large one gets another. Ten times as long by the clock.
SECONDS: Final = 20.0
_BYTES_A_SECOND: Final = 20 * 1024**2
_LONGEST: Final = 600.0
#: Bytes that are handed over together.
_PORTION: Final = 16 << 20
_TOO_LONG: Final = "took longer than it may"

# As runner.pool starts its workers: the parent's sys.path, nothing of the working folder.
_BOOTSTRAP: Final = """\
import gc, sys
gc.set_threshold(50_000)
from multiprocessing.connection import Connection
connection = Connection(int(sys.argv[1]))
sys.path[:] = connection.recv()
from strongroom.identify.child import main
main(connection, int(sys.argv[2]))
"""
#: One thread of Go at a time, since the other cores have contents of their own; and little room for garbage: with GOGC=400 and 256 MiB each
#: of these processes grew to 210 MB over 100,000 files, with these to 108.
_ENVIRONMENT: Final = {"GOMAXPROCS": "1", "GOGC": "50", "GOMEMLIMIT": "96MiB", "GOTRACEBACK": "none"}


class IdentificationFailedError(Exception):
    """A content for which no verdict can be had. The message says why; `verdict` is what to remember of it, None if another try may
    succeed."""

    def __init__(self, message: str, verdict: Format | None) -> None:
        super().__init__(message)
        self.verdict = verdict


class CannotIdentifyError(StrongroomError):
    """Not one content, but identification itself: the libraries cannot be loaded, or there is no memory for them."""


#: A verdict, or why there is none.
Answer = Format | IdentificationFailedError


class Identifier:
    """The process, started when it is first needed and again when it ended. Not for several threads."""

    def __init__(self) -> None:
        self._shared = own_file()
        os.ftruncate(self._shared, CONTENTS)
        self._at_work = mmap.mmap(self._shared, CONTENTS)
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._signatures = ""

    def signatures(self) -> str:
        """What judges, and by which signatures. Kept with every verdict, since others may judge otherwise. Raises CannotIdentifyError."""
        if not self._signatures:
            self._open()
        return self._signatures

    def identify(self, content: bytes | memoryview | int, extension: str, folder: Path) -> Format:
        """What a content is in a file with that extension (core.formats.extension_of). One that is too large for memory is given as the
        descriptor of a file that holds it. `folder`: scratch space of the caller.

        Raises IdentificationFailedError, and CannotIdentifyError.
        """
        (found,) = self.identify_all([(content, extension)], folder)
        if isinstance(found, IdentificationFailedError):
            raise found
        return found

    def identify_all(self, contents: Sequence[tuple[bytes | memoryview | int, str]], folder: Path) -> list[Answer]:
        """The same for several: those in memory are handed over together. Raises CannotIdentifyError."""
        answers: list[Answer] = []
        for some in _portions(contents):
            answers += self._portion(some, folder)
        return answers

    def _portion(self, contents: Sequence[tuple[bytes | memoryview | int, str]], folder: Path) -> list[Answer]:
        """Where the process ends, those that it looked at together are looked at one by one. The one at which it ends again is tried once
        more, alone: perhaps it was the last straw for a process that had seen many, or the system's doing."""
        found: dict[int, Answer] = {}
        suspects: list[int] = []
        while todo := suspects or [number for number in range(len(contents)) if number not in found]:
            together = 1 if suspects else TOGETHER
            try:
                done = 0
                for answers in self._ask([contents[number] for number in todo], folder, together):
                    for one in answers:
                        found[todo[done]] = one if isinstance(one, Format) else IdentificationFailedError(one, self._nothing(one))
                        done += 1
                suspects = []
            except (EOFError, OSError) as error:
                at = AT_WORK.unpack_from(self._at_work, 0)[0]
                ended = self._ended(error)
                guilty = todo[at]
                if together == 1 and (len(todo) == 1 or str(ended) == _TOO_LONG):
                    found[guilty] = ended
                    suspects = [number for number in todo if number not in found]
                else:
                    suspects = todo[at : at + together]
        return [found[number] for number in range(len(contents))]

    def close(self) -> None:
        """End the process. It is started again if it is asked."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _ask(
        self, contents: Sequence[tuple[bytes | memoryview | int, str]], folder: Path, together: int
    ) -> Iterator[Answers]:
        connection = self._open()
        AT_WORK.pack_into(self._at_work, 0, 0)
        items = []
        at = CONTENTS
        for content, extension in contents:
            size = os.fstat(content).st_size if isinstance(content, int) else len(content)
            seconds = min(_LONGEST, SECONDS + size / _BYTES_A_SECOND)
            items.append(Item(extension, seconds, at, None if isinstance(content, int) else size))
            if not isinstance(content, int):
                os.pwrite(self._shared, content, at)
                at += size
        connection.send((str(folder), items, together))
        for content, _ in contents:
            if isinstance(content, int):
                assert self._process is not None
                send_handle(connection, content, self._process.pid)
        left = len(items)
        while left:
            answers: Answers = connection.recv()
            left -= len(answers)
            yield answers
        os.ftruncate(self._shared, CONTENTS)

    def _open(self) -> Connection:
        if self._connection is None:
            ours, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603 -- our own interpreter
                    [sys.executable, "-P", "-c", _BOOTSTRAP, str(theirs.fileno()), str(self._shared)],
                    pass_fds=(theirs.fileno(), self._shared), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=None if os.environ.get("STRONGROOM_DEBUG") else subprocess.DEVNULL,
                    env={**os.environ, **_ENVIRONMENT}, process_group=0,  # a terminal's Ctrl-C is not for it
                )
            connection = self._connection = Connection(ours.detach())
            connection.send([entry or os.getcwd() for entry in sys.path])
            try:
                self._signatures = connection.recv()
            except (EOFError, OSError) as error:
                raise CannotIdentifyError(
                    f"identification cannot start: its process {self._ended(error)}. See what `STRONGROOM_DEBUG=1` shows, or set "
                    "`identify: false` in the collection manifest") from error
        return self._connection

    def _ended(self, error: Exception) -> IdentificationFailedError:
        """Collect the process, and say how it ended."""
        status: int | None = None
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                status = self._process.wait(timeout=5)
        self.close()
        if status is None:
            how = str(error)
        elif status in (-signal.SIGPROF, -signal.SIGALRM):
            how = _TOO_LONG
        elif status < 0:
            how = f"ended by {signal.Signals(-status).name}" if -status in signal.valid_signals() else f"ended by signal {-status}"
        else:
            how = f"ended with status {status}"
        transient = status in (None, -signal.SIGKILL)  # the system's doing, or a person's
        return IdentificationFailedError(how, None if transient else self._nothing(how))

    def _nothing(self, why: str) -> Format:
        return Format(basis=f"not identified: {why}"[:200], flags=UNIDENTIFIED, signatures=self._signatures)


def _portions(contents: Sequence[tuple[bytes | memoryview | int, str]]) -> Iterator[Sequence[tuple[bytes | memoryview | int, str]]]:
    """Contents that are handed over together: as many as fit into _PORTION; each file alone."""
    some: list[tuple[bytes | memoryview | int, str]] = []
    size = 0
    for one in contents:
        length = _PORTION if isinstance(one[0], int) else len(one[0])
        if some and size + length > _PORTION:
            yield some
            some, size = [], 0
        some.append(one)
        size += length
    if some:
        yield some


@cache
def identifier() -> Identifier:
    """This process's own, which lives as long."""
    return Identifier()

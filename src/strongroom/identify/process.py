"""Identifying contents in a process apart, which may crash, hang or eat memory: that costs the content, and nobody else anything."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.reduction import send_handle
from pathlib import Path
from typing import Final

from strongroom.core.errors import StrongroomError
from strongroom.core.formats import UNIDENTIFIED, Format

#: CPU seconds that a content may take, and bytes for which a large one gets another. Ten times as long by the clock.
SECONDS: Final = 20.0
_BYTES_A_SECOND: Final = 20 * 1024**2
_LONGEST: Final = 600.0
_TOO_LONG: Final = "took longer than it may"

# As runner.pool starts its workers: the parent's sys.path, nothing of the working folder.
_BOOTSTRAP: Final = """\
import gc, sys
gc.set_threshold(50_000)
from multiprocessing.connection import Connection
connection = Connection(int(sys.argv[1]))
sys.path[:] = connection.recv()
from strongroom.identify.child import main
main(connection, int(sys.argv[2]), sys.argv[3])
"""
#: One thread of Go at a time: contents come one by one, and the other cores have contents of their own.
_ENVIRONMENT: Final = {"GOMAXPROCS": "1", "GOTRACEBACK": "none"}


class IdentificationFailedError(Exception):
    """A content for which no verdict can be had. The message says why; `verdict` is what to remember of it, None if another try may
    succeed."""

    def __init__(self, message: str, verdict: Format | None) -> None:
        super().__init__(message)
        self.verdict = verdict


class CannotIdentifyError(StrongroomError):
    """Not one content, but identification itself: the libraries cannot be loaded, or there is no memory for them."""


class Identifier:
    """The process, started when it is first needed and again when it ended. Not for several threads."""

    def __init__(self) -> None:
        self._shared, self._path = _shared()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._signatures = ""

    def signatures(self) -> str:
        """What judges, and by which signatures. Kept with every verdict, since others may judge otherwise."""
        if not self._signatures:
            self._open()
        return self._signatures

    def identify(self, content: bytes | memoryview | int, extension: str, folder: Path) -> Format:
        """What a content is in a file with that extension (core.formats.extension_of). A content that is too large for memory is given as
        the descriptor of a file that holds it. `folder`: scratch space of the caller.

        Raises IdentificationFailedError, and CannotIdentifyError.
        """
        for tries_left in (1, 0):
            size = os.fstat(content).st_size if isinstance(content, int) else len(content)
            try:
                found = self._ask(content, size, extension, folder)
            except (EOFError, OSError) as error:
                ended = self._ended(error)
                if tries_left == 0 or str(ended) == _TOO_LONG:
                    raise ended from None
                continue  # perhaps it was the last straw for a process that had seen many: alone, with a new one
            if isinstance(found, Format):
                return found
            raise IdentificationFailedError(found, self._nothing(found))
        raise AssertionError

    def close(self) -> None:
        """End the process. It is started again if it is asked."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _ask(self, content: bytes | memoryview | int, size: int, extension: str, folder: Path) -> Format | str:
        connection = self._open()
        seconds = min(_LONGEST, SECONDS + size / _BYTES_A_SECOND)
        if isinstance(content, int):
            assert self._process is not None
            connection.send((str(folder), extension, None, seconds))
            send_handle(connection, content, self._process.pid)
        else:
            os.ftruncate(self._shared, size)
            os.pwrite(self._shared, content, 0)
            connection.send((str(folder), extension, size, seconds))
        found: Format | str = connection.recv()
        return found

    def _open(self) -> Connection:
        if self._connection is None:
            ours, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603 -- our own interpreter
                    [sys.executable, "-P", "-c", _BOOTSTRAP, str(theirs.fileno()), str(self._shared), self._path],
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


def _shared() -> tuple[int, str]:
    """A file in memory that both processes see, and a path by which the other one can open it."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("strongroom", os.MFD_CLOEXEC)
        return descriptor, f"/proc/self/fd/{descriptor}"
    descriptor, path = tempfile.mkstemp(prefix="strongroom-")  # pragma: no cover -- where files cannot lie in memory
    return descriptor, path  # pragma: no cover


@cache
def identifier() -> Identifier:
    """This process's own, which lives as long."""
    return Identifier()

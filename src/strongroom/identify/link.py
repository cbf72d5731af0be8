"""The ways to a process that identifies contents: one of the caller's own, or one that the workers of a run share."""

from __future__ import annotations

import fcntl
import mmap
import os
import pickle
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.reduction import send_handle
from pathlib import Path
from typing import Final

from strongroom.core.errors import StrongroomError
from strongroom.identify.child import AT_WORK, CONTENTS, OUT_OF_MEMORY, SHARED_BY, own_file

TOO_LONG: Final = "took longer than it may"

# As runner.processes starts its workers: the parent's sys.path, nothing of the working folder.
_BOOTSTRAP: Final = """\
import gc, pickle, sys
gc.set_threshold(50_000)
sys.path[:] = pickle.load(sys.stdin.buffer)
from strongroom.identify.child import main
main(sys.argv[1], int(sys.argv[2]))
"""
#: Little room for garbage: with GOGC=400 and 256 MiB each of these processes grew to 210 MB over 100,000 files, with these to 120; with
#: 96 MiB to 108, and a run took 6 % longer. libmagic compiles its patterns anew for each content: so each thread has an arena of malloc
#: (with one they wait for each other, half as long again), which keeps what is freed instead of giving it back to the system and asking for
#: it again (a fifth of the time). The threshold of mmap is malloc's own, not that of the worker which starts it (runner.malloc).
_ENVIRONMENT: Final = {
    "GOGC": "50", "GOMEMLIMIT": "108MiB", "GOTRACEBACK": "none",
    "MALLOC_MMAP_THRESHOLD_": str(128 << 10), "MALLOC_TRIM_THRESHOLD_": str(32 << 20), "MALLOC_TOP_PAD_": str(1 << 20),
}

#: Shared ones that were started here and left, and that others may still ask: they are collected once they have ended.
_LEFT: Final[list[subprocess.Popen[bytes]]] = []


class CannotIdentifyError(StrongroomError):
    """Not one content, but identification itself: the libraries cannot be loaded, or there is no memory for them."""


class Link:
    """A connection to such a process, and the file through which contents go there. `process`: None if another worker started it."""

    def __init__(self, end: socket.socket, process: subprocess.Popen[bytes] | None, *, private: bool) -> None:
        """Raises EOFError or OSError if it ends instead of answering."""
        self.process, self.private = process, private
        self.shared = own_file()
        os.ftruncate(self.shared, CONTENTS)
        self._at_work = mmap.mmap(self.shared, CONTENTS)
        self.connection = Connection(end.detach())
        try:
            send_handle(self.connection, self.shared, 0)  # the number of the process is of use on Windows alone
            self.signatures: str = self.connection.recv()
        except BaseException:
            self.close()
            raise

    @property
    def at_work(self) -> int:
        """The number of the content that it is or was at, of those of the last request."""
        number: int = AT_WORK.unpack_from(self._at_work)[0]
        return number

    def has_left(self) -> bool:
        """Whether it ended while nothing was asked of it."""
        return self.connection.poll()

    def reset(self) -> None:
        AT_WORK.pack_into(self._at_work, 0, 0)

    def close(self) -> None:
        """Leave. A process of one's own is ended; one that is shared ends when all have left."""
        self.connection.close()
        self._at_work.close()
        os.close(self.shared)
        if self.process is None:
            return
        if self.private:
            self.process.kill()
            self.process.wait()
        else:
            _LEFT.append(self.process)
        for one in [one for one in _LEFT if one.poll() is not None]:
            with suppress(ValueError):  # another thread was here
                _LEFT.remove(one)


def private() -> Link:
    """To a process of the caller's own. Raises CannotIdentifyError."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = _start("connected", theirs)
    return _started(ours, process, private=True)


def shared(folder: Path) -> Link:
    """To the process that those share who give this folder; it is started if there is none. Raises CannotIdentifyError, and OSError where
    there is no way to share one."""
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        lock = os.open("identify.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600, dir_fd=place)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)  # until it has answered: of several who come at once, one starts it
            return _connected(f"/proc/self/fd/{place}/identify.socket")  # a socket's name has 108 bytes at most
        finally:
            os.close(lock)
    finally:
        os.close(place)


def _connected(name: str) -> Link:
    end = socket.socket(socket.AF_UNIX)
    try:
        end.connect(name)
        return Link(end, None, private=False)
    except (EOFError, OSError):  # there is none, or it has as many as it takes, or it is just ending
        end.close()
    with suppress(FileNotFoundError):
        os.unlink(name)
    with socket.socket(socket.AF_UNIX) as listener:
        os.fchmod(listener.fileno(), 0o600)
        listener.bind(name)
        listener.listen(SHARED_BY)
        end = socket.socket(socket.AF_UNIX)
        try:
            end.connect(name)  # before it starts: it never waits for somebody who died meanwhile
            process = _start("listening", listener)
        except BaseException:
            end.close()
            raise
    return _started(end, process, private=False)


def _started(end: socket.socket, process: subprocess.Popen[bytes], *, private: bool) -> Link:
    try:
        return Link(end, process, private=private)
    except (EOFError, OSError) as error:
        raise CannotIdentifyError(
            f"identification cannot start: its process {how_it_ended(process)[0] or error}. See what `STRONGROOM_DEBUG=1` shows, or set "
            "`identify: false` in the collection manifest") from error


def _start(how: str, socket_: socket.socket) -> subprocess.Popen[bytes]:
    # More threads of Go than many machines have cores: with as many, what looks for garbage takes the place of what works (decision 0026).
    threads = SHARED_BY if how == "listening" else 1
    process = subprocess.Popen(  # noqa: S603 -- our own interpreter
        [sys.executable, "-P", "-c", _BOOTSTRAP, how, str(socket_.fileno())],
        pass_fds=(socket_.fileno(),), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        stderr=None if os.environ.get("STRONGROOM_DEBUG") else subprocess.DEVNULL,
        env={**os.environ, **_ENVIRONMENT, "GOMAXPROCS": str(threads)}, process_group=0,  # a terminal's Ctrl-C is not for it
    )
    assert process.stdin is not None
    with suppress(BrokenPipeError), process.stdin as path:  # dead already: its first answer will be missing
        path.write(pickle.dumps([entry or os.getcwd() for entry in sys.path]))
    return process


def how_it_ended(process: subprocess.Popen[bytes] | None) -> tuple[str, bool]:
    """Collect a process whose connection has closed, and say how it ended ("" if it did not), and whether another try may do better."""
    status: int | None = None
    if process is not None:
        with suppress(subprocess.TimeoutExpired):
            status = process.wait(timeout=5)
    transient = status in (None, -signal.SIGKILL)  # the system's doing, or a person's
    if status is None:
        return "", transient
    if status in (-signal.SIGPROF, -signal.SIGALRM):
        return TOO_LONG, transient
    if status == OUT_OF_MEMORY:
        return "wanted more memory than it may have", transient
    if status < 0:
        return f"ended by {signal.Signals(-status).name}" if -status in signal.valid_signals() else f"ended by signal {-status}", transient
    return f"ended with status {status}", transient

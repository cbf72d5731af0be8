"""Python runs this at the start of every process of a command under test: this folder is on its PYTHONPATH.

$STRONGROOM_FAULT, a JSON object, says what is to go wrong:
  log         file that gets a line for each step (a write to a store, a commit to a catalogue) and each call that makes names durable
  kill_after  end the whole command with SIGKILL when this many steps are done, over all of its processes
  stop_after  the same with SIGSTOP, for whoever waits to change something meanwhile
  counting    what a step must have in its line to be one of these (default: anything)
  signal      {file, number, calls, signal}: the main process gets a signal at the moment that `number` and `calls` choose (Moment)
  fsync_fails the number of the fsync of each process that fails, as does every one after it: EIO
  clock       seconds by which the clock is wrong
"""

from __future__ import annotations

import datetime
import errno
import fcntl
import functools
import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from typing import Any, Final

ASKED: dict[str, Any] = json.loads(os.environ.get("STRONGROOM_FAULT", "{}"))


def step(line: str) -> None:
    """A step is done: note it, and stop or end the command if this was the one. Its main process leads the session."""
    with open(ASKED["log"], "a+") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        log.write(f"step {line}\n")
        log.flush()
        log.seek(0)
        done = sum(text.startswith("step ") and ASKED.get("counting", "") in text for text in log)
    if ASKED.get("counting", "") not in line:
        return
    leader = os.getsid(0)
    if done == ASKED.get("kill_after"):
        os.kill(leader, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
    if done == ASKED.get("stop_after"):
        os.kill(os.getpid(), signal.SIGSTOP)  # whoever waits for this process waits on


def note(line: str) -> None:
    with open(ASKED["log"], "a") as log:
        log.write(line + "\n")


class Counted(sqlite3.Connection):
    """A connection that makes a step of everything that became durable in a catalogue."""

    ours = False
    seen = 0

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        cursor = super().execute(sql, *values)
        if sql.startswith("ATTACH") and any(b"catalogue.sqlite" in os.fsencode(str(value)) for value in (values[0] if values else ())):
            self.ours = True
        if self.ours and not self.in_transaction and (self.total_changes != self.seen or sql == "COMMIT"):
            self.seen = self.total_changes
            step("catalogue")
        return cursor


def connect(real: Callable[..., Any], database: Any, *values: Any, **named: Any) -> Any:
    connection = real(database, *values, factory=Counted, **named)
    connection.ours = str(database).endswith("catalogue.sqlite")
    return connection


def count_writes(store: type) -> None:
    for name in ("put", "put_stream", "receive", "delete"):
        setattr(store, name, counted(getattr(store, name), name))


def counted(method: Callable[..., Any], name: str) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: Any, first: Any, *values: Any, **named: Any) -> Any:
        result = method(self, first, *values, **named)
        step(f"{name} {result if name == 'receive' else first}")
        return result

    return call


def note_durability() -> None:
    """A line for each name that is given, folder that is made, and fsync that succeeded, with the path it was about."""
    fsync, link, mkdir = os.fsync, os.link, os.mkdir

    def place(descriptor: int | None, name: str = "") -> str:
        folder = os.getcwd() if descriptor is None else os.readlink(f"/proc/self/fd/{descriptor}")
        return os.path.join(folder, name) if name else folder

    def noted_fsync(descriptor: Any) -> None:
        fsync(descriptor)
        note(f"fsync {place(descriptor if isinstance(descriptor, int) else descriptor.fileno())}")

    def noted_link(old: str, new: str, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None, **named: Any) -> None:
        link(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd, **named)
        note(f"link {place(src_dir_fd, old)} {place(dst_dir_fd, new)}")

    def noted_mkdir(path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        mkdir(path, mode, dir_fd=dir_fd)
        note(f"mkdir {place(dir_fd, os.fsdecode(path))}")

    os.fsync, os.link, os.mkdir = noted_fsync, noted_link, noted_mkdir  # type: ignore[assignment]


def fail_fsync(first: int) -> None:
    fsync, calls = os.fsync, iter(range(1, sys.maxsize))

    def failing(descriptor: Any) -> None:
        if next(calls) >= first:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(descriptor)

    os.fsync = failing


def move_clock(seconds: int) -> None:
    real, real_ns = time.time, time.time_ns

    class Moved(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return datetime_now(tz) + datetime.timedelta(seconds=seconds)

    datetime_now = datetime.datetime.now
    time.time = lambda: real() + seconds
    time.time_ns = lambda: real_ns() + seconds * 10**9
    datetime.datetime = Moved  # type: ignore[misc]


class Moment:
    """The main process gets a signal in the middle of its work: at its `number`th dealing with the system (a file opened, named or removed,
    a lock, a connection, a process), and so many `calls` of functions after it. A place, not a time: however fast the machine is, it is
    reached. Counted from when the command heeds SIGTERM until it no longer does. `file` then says "hit", or how many there were in all.

    SIGKILL goes to the whole process group at once, any other signal to the main process alone.
    """

    OURS: Final = ("os.", "fcntl.", "socket.", "sqlite3.", "subprocess.", "shutil.", "tempfile.")
    CODE: Final = (".py", ".pyc", ".so", "__pycache__")

    def __init__(self, file: str, number: int, calls: int, signal: int) -> None:
        self.file, self.number, self.calls, self.signal = file, number, calls, signal
        self.counting, self.seen, self.said = False, 0, False

    def watch(self) -> None:
        real = signal.signal

        def noted(number: Any, handler: Any) -> Any:
            before = real(number, handler)
            if number == signal.SIGTERM:
                if not callable(handler) and self.seen and not self.said:  # the calls may have been too many, or of a thread that ended
                    sys.setprofile(None)
                    self.say(str(self.seen))
                self.counting = callable(handler)
            return before

        signal.signal = noted
        sys.addaudithook(self.event)

    def event(self, name: str, values: tuple[Any, ...]) -> None:
        if not self.counting or not (name.startswith(self.OURS) or (name == "open" and not str(values[0]).endswith(self.CODE))):
            return
        self.seen += 1
        if self.number and self.seen >= self.number:
            self.counting = False
            if self.calls:
                sys.setprofile(self.called)
            else:
                self.hit()

    def called(self, *_: object) -> None:
        self.calls -= 1
        if self.calls <= 0:
            sys.setprofile(None)
            self.hit()

    def hit(self) -> None:
        self.say("hit")
        if self.signal == signal.SIGKILL:
            os.killpg(0, self.signal)
        else:
            os.kill(os.getpid(), self.signal)

    def say(self, what: str) -> None:
        self.counting, self.said = False, True
        with open(self.file, "w") as file:
            file.write(what)


if ASKED.get("signal") and os.getpid() == os.getsid(0):
    Moment(**ASKED["signal"]).watch()
if ASKED.get("clock"):
    move_clock(ASKED["clock"])
if ASKED.get("fsync_fails"):
    fail_fsync(ASKED["fsync_fails"])
if ASKED.get("log"):
    note_durability()
    sqlite3.connect = functools.partial(connect, sqlite3.connect)
    from strongroom.stores.file import FileStore
    from strongroom.stores.retry import RetryingStore

    count_writes(FileStore)
    count_writes(RetryingStore)

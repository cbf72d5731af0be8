"""Where the passphrase of a private key comes from: a file, a file descriptor, or the terminal. Never an argument, never a variable."""

from __future__ import annotations

import getpass
import os
import stat
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from strongroom.core.errors import UsageError

VARIABLE: Final = "STRONGROOM_PASSPHRASE_FILE"
_LIMIT: Final = 4096
_HOW: Final = f"give --passphrase-file FILE or --passphrase-fd N, name a file in {VARIABLE}, or run it at a terminal"


@dataclass(slots=True)
class Source:
    """One source. What it gave is kept for the life of the process: a descriptor can be read once, and nobody likes to type twice."""

    file: Path | None = None
    descriptor: int | None = None
    _given: bytes | None = field(default=None, repr=False)

    def get(self, key: str, *, twice: bool = False) -> bytes:
        """The passphrase of `key`, which is named where it is asked for; `twice` for a new one. Raises UsageError if there is none."""
        if self._given is None:
            self._given = self._read(key, twice=twice)
        return self._given

    def forget(self) -> None:
        """Ask again next time: it was the wrong one, or another key's."""
        self._given = None

    @property
    def asks(self) -> bool:
        """Whether a person is asked, who can be asked again."""
        return self.descriptor is None and self._path() is None

    def _path(self) -> Path | None:
        if self.file is not None:
            return self.file
        named = os.environ.get(VARIABLE)
        return Path(named) if named else None

    def _read(self, key: str, *, twice: bool) -> bytes:
        if self.descriptor is not None:
            return _first_line(self.descriptor, f"file descriptor {self.descriptor}")
        path = self._path()
        if path is None:
            return _ask(key, twice=twice)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise UsageError(f"the passphrase of {key} cannot be read from {path}: {error.strerror}") from error
        try:
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode) and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise UsageError(f"{path}: others can read or change the passphrase; `chmod 600 {path}`")
            return _first_line(descriptor, str(path))
        finally:
            os.close(descriptor)


def _first_line(descriptor: int, what: str) -> bytes:
    data = b""
    try:
        while b"\n" not in data and len(data) <= _LIMIT and (more := os.read(descriptor, _LIMIT)):
            data += more
    except OSError as error:
        raise UsageError(f"no passphrase can be read from {what}: {error.strerror}") from error
    line = data.split(b"\n")[0].removesuffix(b"\r")
    if not line or len(line) > _LIMIT:
        raise UsageError(f"{what} holds no passphrase: its first line is empty or too long")
    return line


def _ask(key: str, *, twice: bool) -> bytes:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(f"no passphrase for {key}, and no terminal to ask at: {_HOW}")
    try:
        text = getpass.getpass(f"Passphrase for {key}: ")
        if twice and text != getpass.getpass("The same again: "):
            raise UsageError("the two differ; nothing was made")
    except EOFError:
        raise UsageError(f"no passphrase for {key}: {_HOW}") from None
    if not text:
        raise UsageError("an empty passphrase protects nothing")
    return text.encode()


_current: Source = Source()


def use(source: Source) -> None:
    """Take passphrases from here on from `source`, in this process: what a command line said, for whatever it runs."""
    global _current  # noqa: PLW0603 -- a secret must not pass through the parameters of flows, which are shown to people
    _current = source


def current() -> Source:
    return _current

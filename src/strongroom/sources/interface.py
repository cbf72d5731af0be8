"""What every source promises: a folder (folder.py), objects of a bucket (bucket.py).

A run lists a source once (`entries`), in the process that leads it, and reads what is listed in worker processes (`files`). What is read
of a file is one state of it, or it is said why there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import IO, Final, NamedTuple, Protocol

from strongroom.core.findings import Finding
from strongroom.sources.reading import FileState, SourceReadError


class Kind(Enum):
    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    EXCLUDED = "excluded"


#: Of what is excluded: its name is none that a bag could hold.
UNHOLDABLE: Final = "name"


class Entry(NamedTuple):  # a million are made where a frozen dataclass takes five times as long
    """One thing below the source. `name` is its path as bytes, relative, "" for the source itself."""

    kind: Kind
    name: bytes
    size: int = 0
    mtime: int = 0  # nanoseconds since 1970 UTC, as ctime
    ctime: int = 0
    inode: int = 0
    mode: int = 0  # permission bits, 0o7777
    target: bytes = b""  # of a symlink
    reason: str = ""  # why it is excluded
    pin: str | None = None  # of an object in a bucket: which one, should another take its key


@dataclass(frozen=True, slots=True)
class Rules:
    """What to take: `wanted` and `excluded` judge a relative path; `symlinks` is record, follow or refuse."""

    wanted: Callable[[bytes], bool]
    excluded: Callable[[bytes], bool]
    symlinks: str
    ours: Path  # a folder that is never taken, should it lie in the source
    whole: bool = False  # litter of operating systems too: somebody else's manifest lists it


#: A file to be read, as it was listed: its number, its name below the source, its path in the bag, size, mtime, inode (reading.signed) and
#: pin. Plain, as SQLite gives it.
Row = tuple[int, bytes, str, int, int, int, str | None]


class Large(Protocol):
    """A file too large for memory, open. Close it, or use it as a context manager. What cannot be read raises SourceReadError."""

    state: FileState

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most `size`, b"" at the end."""

    def again(self) -> IO[bytes]:
        """The same bytes from the beginning. Ends whatever was being read."""

    def check(self) -> None:
        """Raises SourceReadError ("changing") if the file is not what `state` says any more."""

    def sample(self) -> int:
        """The descriptor of a local file by which the format can be told: the file itself, or its beginning and end."""

    def close(self) -> None: ...
    def __enter__(self) -> Large: ...
    def __exit__(self, *exc: object) -> None: ...


#: A file's state and its bytes: in memory up to LARGE_CONTENT.
Taken = tuple[FileState, bytes | Large]

Reading = Generator[tuple[Row, Taken | SourceReadError], None, None]


class Files(Protocol):
    """The files of a source, in one process. What a server does not answer raises StoreUnreachableError, here as in all the rest."""

    def read(self, rows: Iterable[Row]) -> Reading:
        """Each of the rows, in order, with what was read of it, or why nothing was. A Large is closed by the caller before it goes on.

        Raises SourceError where this process sees another source than was listed."""

    def now(self, name: bytes) -> Taken:
        """A file as it is at this moment. Raises SourceReadError."""


class Source(Protocol):
    """Where a collection's files lie. Can be pickled to a worker."""

    @property
    def place(self) -> str:
        """As people call it: a path, or s3://BUCKET/PREFIX."""

    def identity(self) -> object:
        """What is another value when another source lies in its place; None if it is gone."""

    def entries(self, rules: Rules, found: Callable[[Finding], None]) -> Iterator[Entry]:
        """Everything in the source, in no particular order. What is in it and cannot be taken is EXCLUDED and, unless the rules say so, a
        finding. Raises UsageError if it is of the wrong kind, SourceError if it is not there, StoreError if a server does not answer."""

    def files(self, scratch: Path) -> Files:
        """To read them in this process. `scratch`: a folder for what must lie on a disk for a while."""

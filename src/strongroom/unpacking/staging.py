"""The staging folder: the only place that unpacking writes to."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from strongroom.core.bag.paths import collision_key
from strongroom.unpacking.limits import Limits, UnpackError

_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_CHECK_EVERY: Final = 16 << 20  # bytes written between two looks at the free space


class Staging:
    """Files and folders below `root`, a private folder that exists and is empty. Nothing is made twice, and no link ever."""

    def __init__(self, root: Path, index: Path, limits: Limits) -> None:
        """`index`: a file to remember names in, so that memory does not grow with their number."""
        self.root = root
        self._limits = limits
        self._db = sqlite3.connect(index, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-16000;")
        self._db.execute("CREATE TABLE made (path BLOB PRIMARY KEY, fold BLOB NOT NULL, folder INTEGER NOT NULL) WITHOUT ROWID")
        self._db.execute("CREATE INDEX made_by_fold ON made (fold)")
        self._db.execute("BEGIN")
        self._members = 0
        self.files = 0
        self.size = 0
        self._unchecked = _CHECK_EVERY

    def close(self) -> None:
        self._db.close()

    def count(self, member: str) -> None:
        """One more member of any kind, headers that only describe others included. Raises UnpackError past the limit."""
        self._members += 1
        if self._members > self._limits.files:
            raise UnpackError(member, f"is member {self._members:,}; at most {self._limits.files:,} are taken (--max-files)")

    def folder(self, path: str) -> None:
        """A folder and those above it, unless they are there."""
        parts = path.split("/") if path else []
        for length in range(1, len(parts) + 1):
            above = "/".join(parts[:length])
            found = self._db.execute("SELECT folder FROM made WHERE path = ?", (above.encode(),)).fetchone()
            if found is None:
                self._make_folder(above)
            elif not found[0]:
                raise UnpackError(path, f"needs the folder {above}, which is a file in this archive")

    def file(self, path: str, size: int | None, chunks: Iterable[bytes], *, executable: bool = False, mtime: int | None = None) -> None:
        """A regular file of what `chunks` give, which must be `size` bytes (None: as many as there are). Modes are 0644 or 0755.

        Raises UnpackError if anything has that name already or a limit is passed, OSError if the disk fails.
        """
        self.folder(path.rpartition("/")[0])
        if size is not None:
            self._make_room(path, size)
        there = self._db.execute("SELECT folder FROM made WHERE path = ?", (path.encode(),)).fetchone()
        if there is not None:
            raise UnpackError(path, "is both a folder and a file in this archive" if there[0] else "occurs twice in the archive")
        try:
            descriptor = os.open(self._place(path), _CREATE, 0o600)
        except FileExistsError:
            raise self._collides(path) from None
        self._remember(path, folder=False)
        self.files += 1
        with os.fdopen(descriptor, "wb", buffering=0) as out:
            written = self._write(path, out.fileno(), chunks)
            if size is not None and written != size:
                raise UnpackError(path, f"announces {size:,} bytes and has {written:,}")
            os.fchmod(out.fileno(), 0o755 if executable else 0o644)
            if mtime is not None and 0 <= mtime < 1 << 33:
                os.utime(out.fileno(), (mtime, mtime))

    # -- within

    def _write(self, path: str, descriptor: int, chunks: Iterable[bytes]) -> int:
        written = 0
        for chunk in chunks:
            self.size += len(chunk)
            self._unchecked += len(chunk)
            if self.size > self._limits.size:
                raise UnpackError(path, f"brings the files to more than {self._limits.size:,} bytes (--max-bytes)")
            if self._unchecked >= _CHECK_EVERY:
                self._make_room(path, 0)
            view = memoryview(chunk)
            while view:
                view = view[os.write(descriptor, view) :]
            written += len(chunk)
        return written

    def _make_room(self, path: str, size: int) -> None:
        if self.size + size > self._limits.size:
            raise UnpackError(path, f"announces {size:,} bytes: with those before more than {self._limits.size:,} (--max-bytes)")
        if size == 0 or size >= _CHECK_EVERY:
            self._unchecked = 0
            disk = os.statvfs(self.root)
            if disk.f_bavail * disk.f_frsize - size < self._limits.keep_free:
                raise UnpackError(path, f"would leave less than {self._limits.keep_free:,} bytes free on the disk of the staging folder "
                                        "(--staging names another)")

    def _make_folder(self, path: str) -> None:
        try:
            os.mkdir(self._place(path), 0o755)
        except FileExistsError:
            raise self._collides(path) from None
        self._remember(path, folder=True)

    def _remember(self, path: str, *, folder: bool) -> None:
        self._db.execute("INSERT INTO made VALUES (?, ?, ?)", (path.encode(), collision_key(path.encode()), folder))

    def _collides(self, path: str) -> UnpackError:
        row = self._db.execute("SELECT path FROM made WHERE fold = ?", (collision_key(path.encode()),)).fetchone()
        other = os.fsdecode(row[0]) if row else "another member"
        return UnpackError(path, f"collides with {other}: the staging file system takes both names for one (--staging names another place)")

    def _place(self, path: str) -> bytes:
        return os.fsencode(self.root) + b"/" + path.encode()

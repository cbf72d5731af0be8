"""Records, sidecars and checksum files of a source, brought here one at a time from wherever it lies."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from strongroom.core.paths import to_payload_text
from strongroom.metadata import LocalFiles, SourceFiles
from strongroom.sources.folder import Folder
from strongroom.sources.interface import Row, Source
from strongroom.sources.mounts import here
from strongroom.sources.reading import SourceReadError
from strongroom.usecases.archive.spool import Spool

_CHUNK: Final = 1 << 20
_LISTED: Final = "SELECT id, ?2, path, size, mtime, inode, pin FROM files WHERE path = ?1"


def described_by(source: Source, spool: Spool, scratch: Path) -> SourceFiles:
    """For metadata.validate. `scratch`: a folder for the one file that was asked for last."""
    if isinstance(source, Folder):
        return LocalFiles(Path(os.fsdecode(here(source.path))))
    return _Brought(source, spool, scratch)


class _Brought:
    """Metadata SourceFiles of a source that is no folder: as they were listed."""

    folder: Path | None = None

    def __init__(self, source: Source, spool: Spool, scratch: Path) -> None:
        self.place = source.place
        self._spool, self._files = spool, source.files(scratch)
        self._copy = scratch / "from-source"

    def is_file(self, name: str) -> bool:
        """In the bag to be, or left out of it by a pattern."""
        excluded = "SELECT 1 FROM structure WHERE path = ? AND kind = 'excluded' AND reason = 'pattern'"
        path = to_payload_text(name.encode())[0]
        return self._listed(name) is not None or self._spool.db.execute(excluded, (path,)).fetchone() is not None

    def fetch(self, name: str) -> Path | None:
        row = self._listed(name)
        try:
            if row is None:
                _, data = self._files.now(name.encode())
            else:
                ((_, taken),) = self._files.read([row])
                if isinstance(taken, SourceReadError):
                    return None
                _, data = taken
            with self._copy.open("wb") as copy:
                if isinstance(data, bytes):
                    copy.write(data)
                else:
                    with data as large:
                        while chunk := large.read(_CHUNK):
                            copy.write(chunk)
        except SourceReadError:
            return None
        return self._copy

    def _listed(self, name: str) -> Row | None:
        encoded = name.encode()
        row: Row | None = self._spool.db.execute(_LISTED, (to_payload_text(encoded)[0], encoded)).fetchone()
        return row

"""What was read of the files of a batch, on its way from a worker to the run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import Struct

from strongroom.sources.reading import FileState, signed

#: (size, mtime, ctime, inode, mode, sha256, other digests, pin, id), the inode as SQLite holds it.
FileRow = tuple[int, int, int, int, int, bytes, bytes, str | None, int]


@dataclass(slots=True)
class FileRows:
    """Rows of a batch, 80 bytes each and the other digests; as a list of tuples they took 400 on either side, in ten objects that had to be
    pickled each. `others`: bytes of the other digests of a file."""

    others: int
    _rows: bytearray = field(default_factory=bytearray)
    _pins: list[str | None] = field(default_factory=list)

    def add(self, number: int, state: FileState, sha256: bytes, others: bytes) -> None:
        times = state.mtime, state.ctime
        self._rows += self._layout().pack(state.size, *times, signed(state.inode), state.mode, sha256, others, number)
        self._pins.append(state.pin)

    def __len__(self) -> int:
        return len(self._pins)

    def __iter__(self) -> Iterator[FileRow]:
        for (*row, number), pin in zip(self._layout().iter_unpack(self._rows), self._pins, strict=True):
            yield (*row, pin, number)

    def _layout(self) -> Struct:
        return Struct(f"<qqqqq32s{self.others}sq")

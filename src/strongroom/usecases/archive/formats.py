"""What a payload is made of: one line for each verdict in metadata/formats.jsonl, and one finding for each kind of trouble."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Final

from strongroom.catalogue.formats import FormatTotal
from strongroom.core import canonical
from strongroom.core.findings import Code, Finding
from strongroom.core.formats import EMPTY, ENCRYPTED, MISMATCH, UNIDENTIFIED, Format
from strongroom.core.plural import plural

_SHOWN: Final = 5
_TROUBLE: Final = {
    ENCRYPTED: (Code.FORMAT_ENCRYPTED, "encrypted: they are kept as they are, and nobody can read them without a key that is not here"),
    UNIDENTIFIED: (Code.FORMAT_UNIDENTIFIED, "of a format that neither PRONOM nor libmagic knows"),
    MISMATCH: (Code.FORMAT_MISMATCH, "named as another format than their bytes are"),
    EMPTY: (Code.FORMAT_EMPTY, "empty"),
}


class Examples:
    """How many, and the first few by name."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[tuple[str, str]] = []

    def add(self, path: str, what: str = "") -> None:
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append((path, what))

    def __str__(self) -> str:
        """"data/a (image/png), data/b, …"."""
        some = ", ".join(path + (f" ({what})" if what else "") for path, what in self.first)
        return some + (", …" if self.count > len(self.first) else "")


class PayloadFormats:
    """Takes the payload file by file, in the order of the manifest."""

    def __init__(self, catalogue: sqlite3.Connection) -> None:
        """`catalogue`: a connection that has it attached as `cat`."""
        self._catalogue = catalogue
        self._lines: dict[int, int] = {}  # by the number of the verdict in the catalogue: its line in the tag file
        self._verdicts: list[Format] = []
        self._counts: list[tuple[int, int]] = []
        self._flagged = {flag: Examples() for flag in _TROUBLE}

    def note(self, path: str, size: int, verdict: int) -> tuple[int, Format]:
        """The line of formats.jsonl for a file whose verdict has this number in the catalogue, and the verdict."""
        line = self._lines.get(verdict)
        if line is None:
            sql = "SELECT mime, puid, name, version, basis, flags, signatures FROM cat.verdicts WHERE number = ?"
            self._verdicts.append(Format(*self._catalogue.execute(sql, (verdict,)).fetchone()))
            self._counts.append((0, 0))
            line = self._lines[verdict] = len(self._verdicts)
        found = self._verdicts[line - 1]
        files, total = self._counts[line - 1]
        self._counts[line - 1] = files + 1, total + size
        if found.flags:
            for flag in found.flags.split(" "):
                self._flagged[flag].add(path, "" if flag in (EMPTY, UNIDENTIFIED) else found.title)
        return line, found

    def totals(self) -> tuple[FormatTotal, ...]:
        return tuple(FormatTotal(verdict, *counts) for verdict, counts in zip(self._verdicts, self._counts, strict=True))

    def lines(self) -> Iterator[bytes]:
        """metadata/formats.jsonl (docs/format.md, 4)."""
        for total in self.totals():
            yield canonical.dumps({**total.format.to_json(), "files": total.files, "bytes": total.bytes})

    def findings(self) -> Iterator[Finding]:
        for flag, (code, what) in _TROUBLE.items():
            found = self._flagged[flag]
            if found.count:
                yield Finding(code, found.first[0][0], f"{_files(found.count)} {what}: {found}")


def failed_finding(failed: Examples) -> Finding:
    """What to say of contents that could not be identified."""
    what = f"{_files(failed.count)} stored without a type, because identifying their contents failed: {failed}"
    return Finding(Code.IDENTIFICATION_FAILED, failed.first[0][0], what)


def _files(count: int) -> str:
    return plural(count, "file is", "files are")

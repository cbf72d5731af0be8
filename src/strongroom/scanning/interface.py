"""What a virus scanner can be asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from strongroom.core.errors import StrongroomError
from strongroom.core.scans import Scan


class ScannerError(StrongroomError):
    """The scanner cannot be reached, or gives answers that are none. Says nothing about what was to be scanned."""


class Scanner(Protocol):
    """One scanner. Every method raises ScannerError."""

    def signatures(self) -> str:
        """The scanner and its signatures, as it says it: "ClamAV 1.4.6/27500/Sun Nov 22 09:00:00 2026". Others may judge otherwise."""

    def scan(self, contents: Mapping[bytes, bytes]) -> dict[bytes, Scan]:
        """The verdict about each of some contents, by whatever key they are given."""

    def scan_stream(self, chunks: Iterable[bytes]) -> Scan:
        """The verdict about one content that is too large for memory. `chunks` need not be read to the end."""

"""The scanner that a collection manifest names."""

from __future__ import annotations

from pathlib import Path

from strongroom.core.scans import COMMANDS
from strongroom.scanning.interface import Scanner


def open_scanner(name: str, folder: Path) -> Scanner:
    """The scanner of that name (core.scans.check_scanner); `folder` is scratch space for those that want files."""
    if name in COMMANDS:
        from strongroom.scanning.command import Command  # noqa: PLC0415 -- subprocess, which few need

        return Command(name, folder)
    from strongroom.scanning.clamd import Clamd  # noqa: PLC0415

    return Clamd(name)

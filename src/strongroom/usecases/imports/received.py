"""A bag as it was received: where it can be read, and what it was before it was unpacked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from strongroom.core.findings import Code, Finding
from strongroom.runner.interface import Runner
from strongroom.unpacking.forms import SUFFIXES, unpack
from strongroom.unpacking.limits import Limits, UnpackError


@dataclass(frozen=True, slots=True)
class Received:
    """`root` is the folder that holds bagit.txt: as given, or in the staging folder. Sizes in bytes."""

    path: Path  # as given
    root: Path
    form: str  # "folder", "tar", "tar.gz" or "zip"
    sha256: str | None = None  # of the file, if it was one
    size: int | None = None

    @property
    def name(self) -> str:
        """Its name without what says how it was packed."""
        name = self.path.name
        if self.form != "folder":
            suffix = next((one for one in sorted(SUFFIXES, key=len, reverse=True) if name.lower().endswith(one)), "")
            name = name[: len(name) - len(suffix)]
        return name


def receive(path: Path, place: Path, limits: Limits, runner: Runner) -> tuple[Received, list[Finding]]:
    """The bag at `path`, unpacked into the empty folder `place` if it is serialised. Raises UnpackError, OSError."""
    if path.is_dir():
        return Received(path, path.resolve(), "folder"), []
    with runner.stage(f"unpack {path.name}", size=path.stat().st_size) as progress:
        got = unpack(path, place, limits, lambda size: progress.advance(0, size))
    litter = "was left by an operating system beside the bag; not taken"
    notes = [Finding(Code.IMPORT_NOTE, f"{path}: {name}", litter) for name in got.ignored]
    return Received(path, got.root, got.form, got.sha256, got.size), notes


def refusal(path: Path, error: UnpackError) -> Finding:
    """The finding that an archive was refused."""
    return Finding(Code.IMPORT_REFUSED, f"{path}: {error.member}" if error.member else str(path), error.reason)

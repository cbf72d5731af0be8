"""clamscan or clamdscan as a command: one for each batch of contents, which lie in a private folder for so long.

clamscan loads its signatures each time, which takes seconds: clamd is for more than some hundred files.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from strongroom.core.scans import CLEAN, INFECTED, REFUSED, TOO_LARGE, Scan
from strongroom.scanning.clamd import verdict
from strongroom.scanning.interface import ScannerError

_SECONDS: Final = 3600.0
#: clamdscan hands open files over, since clamd runs as somebody who may not read them. clamscan is to say where a limit kept it from
#: looking, and reads files as large as it can.
_OPTIONS: Final = {
    "clamscan": ("--alert-exceeds-max=yes", "--max-filesize=2000M", "--max-scansize=2000M"),
    "clamdscan": ("--fdpass",),
}


class Command:
    """The command of that name on PATH. `folder`: scratch space."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name, self._folder = name, folder

    def signatures(self) -> str:
        answer = self._run("--version").stdout.decode("utf-8", "replace").strip()
        if not answer.startswith("ClamAV "):
            raise ScannerError(f"{self._name}: says of itself {answer[:200]!r}, which no ClamAV does")
        return answer

    def scan(self, contents: Mapping[bytes, bytes]) -> dict[bytes, Scan]:
        with tempfile.TemporaryDirectory(prefix="scan-", dir=self._folder) as name:
            files = {}
            for number, (key, content) in enumerate(contents.items()):
                files[key] = Path(name, str(number))
                files[key].write_bytes(content)
            found = self._scan(Path(name), files.values())
            return {key: found[file.name] for key, file in files.items()}

    def scan_stream(self, chunks: Iterable[bytes]) -> Scan:
        with tempfile.TemporaryDirectory(prefix="scan-", dir=self._folder) as name:
            file = Path(name, "0")
            with file.open("wb") as out:
                out.writelines(chunks)
            return self._scan(Path(name), [file])["0"]

    def _scan(self, folder: Path, files: Iterable[Path]) -> dict[str, Scan]:
        names = folder / "names"
        names.write_text("".join(f"{file}\n" for file in files))
        result = self._run("--no-summary", "--stdout", f"--file-list={names}", *_OPTIONS[self._name])
        found: dict[str, Scan] = {}
        for line in result.stdout.decode("utf-8", "replace").splitlines():
            path, _, words = line.rpartition(": ")
            if os.path.dirname(path) == str(folder):
                found[os.path.basename(path)] = _verdict(words)
        if result.returncode not in (0, 1) and not found:
            what = (result.stderr.decode("utf-8", "replace").strip() or result.stdout.decode("utf-8", "replace").strip())[:300]
            raise ScannerError(f"{self._name} ended with status {result.returncode}: {what}")
        silent = Scan(REFUSED, f"{self._name} said nothing of it (exit status {result.returncode})")
        return {file.name: found.get(file.name, silent) for file in files}

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        program = shutil.which(self._name)
        if program is None:
            raise ScannerError(f"there is no command {self._name} on PATH. Install it, or take `scan` out of the collection manifest")
        try:
            return subprocess.run(  # noqa: S603 -- one of two names, and options of ours
                [program, *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False)
        except OSError as error:
            raise ScannerError(f"{program}: cannot be run: {error.strerror}") from error
        except subprocess.TimeoutExpired as error:
            raise ScannerError(f"{program}: did not end within {_SECONDS:g} seconds; see what keeps it, and run this again") from error


def _verdict(words: str) -> Scan:
    if words in ("Empty file", "Excluded"):
        return Scan(CLEAN) if words == "Empty file" else Scan(REFUSED, words)
    try:
        found = verdict(words)
    except ScannerError:
        return Scan(REFUSED, words[:200])
    return found if found.outcome in (CLEAN, INFECTED, TOO_LARGE) else Scan(REFUSED, words[:200])

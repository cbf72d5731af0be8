"""Which form a serialised bag has, and unpacking it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from strongroom.core.litter import is_litter
from strongroom.core.plural import plural
from strongroom.unpacking.limits import Limits, UnpackError
from strongroom.unpacking.staging import Staging
from strongroom.unpacking.streams import Gunzipped, HashedFile
from strongroom.unpacking.tar import unpack_tar
from strongroom.unpacking.tar_headers import BLOCK, is_header
from strongroom.unpacking.zip import unpack_zip

SUFFIXES: Final = (".tar", ".tar.gz", ".tgz", ".zip")


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A serialised bag as it was received, and the folder it was unpacked to."""

    form: str  # "tar", "tar.gz" or "zip"
    sha256: str  # of the file
    size: int  # of the file, in bytes
    root: Path
    ignored: tuple[str, ...]  # left at the top by an operating system


def unpack(file: Path, place: Path, limits: Limits, advance: Callable[[int], None]) -> Unpacked:
    """Unpack `file` into `place`, an empty folder of our own, and find the bag in it. `advance` is told of bytes read.

    What it is is told by its first bytes, not by its name. Raises UnpackError with the reason where it is refused, OSError.
    """
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise UnpackError("", "is no regular file")
        target = place / "bag"
        target.mkdir(mode=0o700)
        staging = Staging(target, place / "names.sqlite", limits)
        try:
            form, sha256 = _unpack(descriptor, before.st_size, staging, place, limits, advance)
        finally:
            staging.close()
        after = os.fstat(descriptor)
        if (before.st_size, before.st_mtime_ns, before.st_ctime_ns) != (after.st_size, after.st_mtime_ns, after.st_ctime_ns):
            raise UnpackError("", "changed while it was read")
    finally:
        os.close(descriptor)
    root, ignored = _bag_folder(target)
    return Unpacked(form, sha256, before.st_size, root, ignored)


def _unpack(
    descriptor: int, length: int, staging: Staging, place: Path, limits: Limits, advance: Callable[[int], None]
) -> tuple[str, str]:
    head = os.pread(descriptor, 512, 0)
    hashed = HashedFile(descriptor, advance)
    if head[:2] == b"\x1f\x8b":
        unpack_tar(Gunzipped(hashed, limits), staging, limits)
        return "tar.gz", hashed.finish()
    if head[:4] in (b"PK\3\4", b"PK\5\6"):
        unpack_zip(descriptor, length, staging, place / "places.sqlite", limits, lambda _: None)
        return "zip", hashed.finish()
    if head[:3] == b"BZh" or head[:6] == b"\xfd7zXZ\0" or head[:4] in (b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf", b"Rar!"):
        raise UnpackError("", "is packed in a way that is not taken: a bag comes as a folder, tar, tar.gz or zip. Unpack it first")
    if len(head) < BLOCK or (head != bytes(BLOCK) and not is_header(head)):
        raise UnpackError("", "is no tar, tar.gz or zip, or it is cut short or damaged at its beginning; ask for the bag again")
    unpack_tar(hashed, staging, limits)
    return "tar", hashed.finish()


def _bag_folder(target: Path) -> tuple[Path, tuple[str, ...]]:
    """The one folder at the top (RFC 8493, 4.2), or the top itself if the bag was packed without its folder."""
    names = sorted(os.listdir(target))
    if "bagit.txt" in names:
        return target, ()
    litter = tuple(name for name in names if is_litter(os.fsencode(name)))
    rest = [name for name in names if name not in litter]
    if len(rest) != 1 or not (target / rest[0]).is_dir():
        shown = ", ".join(rest[:5]) or "nothing"
        raise UnpackError("", f"holds {plural(len(rest), 'thing')} at its top ({shown}) instead of one folder that is a bag")
    return target / rest[0], litter

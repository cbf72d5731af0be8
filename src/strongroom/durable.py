"""Files that are there whole or not at all, also after a power cut."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from strongroom.core.errors import StrongroomError, UsageError

_DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})


def cannot_write(place: str, error: OSError) -> StrongroomError:
    """What to raise where nothing can be written below `place`: a wrong choice of place, unless the disk is to blame."""
    if error.errno in _DISK:
        return StrongroomError(f"cannot write below {place}: {error.strerror}. Make room there, or choose a place on another disk, and run "
                               "the same command again")
    return UsageError(f"cannot write below {place}: {error.strerror}; set it to a folder you own")


def write_new(path: Path, chunks: Iterable[bytes], *, mode: int = 0o600) -> None:
    """Put a file in place, durably; one that is there already is replaced. Whatever is raised, nothing else is left beside it."""
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as out:
            for chunk in chunks:
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sync_names(descriptor)
    finally:
        os.close(descriptor)


def sync_names(folder: int) -> None:
    """Make the names in an open folder durable. Some file systems (FUSE, SMB) have no such call, and need none."""
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise


def stands_at(descriptor: int, path: Path) -> bool:
    """Whether what is open as `descriptor` is what stands at `path`, no link being followed."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False

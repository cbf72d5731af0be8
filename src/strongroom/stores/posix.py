"""What the file store needs of the operating system: publishing without replacing, opening without following links, errno in our words."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from strongroom.core.errors import StoreError, StoreFullError, StoreRefusedError, StoreUnreachableError

FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED: Final = {errno.EACCES, errno.EPERM, errno.EROFS}
_NO_LINKS: Final = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL}
_RENAME_NOREPLACE: Final = 1  # linux/fs.h
_RENAME_EXCL: Final = 4  # macOS sys/stdio.h


@contextlib.contextmanager
def translated(place: str, missing: StoreError | None = None) -> Iterator[None]:
    """Turns an OSError into StoreFullError, StoreRefusedError or StoreUnreachableError, naming `place` and the errno; "not there"
    into `missing`, where that is given."""
    try:
        yield
    except OSError as error:
        if missing is not None and isinstance(error, FileNotFoundError):
            raise missing from None
        raise _in_our_words(error, place) from error


@contextlib.contextmanager
def closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _in_our_words(error: OSError, place: str) -> StoreUnreachableError | StoreFullError:
    name = errno.errorcode.get(error.errno or 0, "unknown error")
    what = f"{place}: {name}, {os.strerror(error.errno or 0)}"
    if error.errno in _FULL:
        return StoreFullError(f"{what}. Free some space, raise the quota, or use a file system that holds files of this size")
    if error.errno in _REFUSED:
        return StoreRefusedError(f"{what}. Is the disk mounted read-only, or does the folder belong to somebody else?")
    if error.errno in (errno.ENOTDIR, errno.ELOOP):
        return StoreRefusedError(f"{what}. A folder is wanted here; links inside a store are never followed")
    return StoreUnreachableError(f"{what}. Check the disk and its cable, then try again")


def publish(temporary: str, temporary_folder: int, name: str, folder: int) -> None:
    """Give the file `temporary` its final `name`, unless that exists (FileExistsError). Folders are open descriptors.

    link(2), or a rename that refuses to replace where there are no hard links (exFAT, FAT32, some network file systems).
    """
    try:
        os.link(temporary, name, src_dir_fd=temporary_folder, dst_dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        rename_new(temporary, temporary_folder, name, folder)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=temporary_folder)


def rename_new(old: str, old_folder: int, new: str, new_folder: int) -> None:
    """Rename unless the new name exists (FileExistsError); OSError ENOTSUP where system or file system cannot."""
    function, flag = _rename_function()
    if function is None:
        raise OSError(errno.ENOTSUP, "no rename without replacing on this system", new)
    if function(old_folder, os.fsencode(old), new_folder, os.fsencode(new), flag) != 0:
        number = ctypes.get_errno()
        raise OSError(errno.ENOTSUP if number in (errno.EINVAL, errno.ENOSYS) else number, os.strerror(number), new)


@cache
def _rename_function() -> tuple[Any, int]:
    library = ctypes.CDLL(None, use_errno=True)
    name, flag = ("renameatx_np", _RENAME_EXCL) if sys.platform == "darwin" else ("renameat2", _RENAME_NOREPLACE)
    function = getattr(library, name, None)
    if function is not None:
        function.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    return function, flag


def drop_cache(descriptor: int, start: int = 0, length: int = 0) -> None:
    """Ask that the next read of this file comes from the medium. Advice: a file system may not take it."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, start, length, os.POSIX_FADV_DONTNEED)
    elif sys.platform == "darwin":
        import fcntl  # noqa: PLC0415

        fcntl.fcntl(descriptor, fcntl.F_NOCACHE, 1)


def write_all(descriptor: int, data: bytes | bytearray | memoryview) -> None:
    view = memoryview(data).cast("B")
    while view:
        view = view[os.write(descriptor, view) :]

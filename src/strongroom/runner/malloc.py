"""What glibc's malloc keeps of freed memory. Elsewhere these settings are unknown, and nothing happens."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from typing import Final

_M_ARENA_MAX: Final = -8  # malloc.h; mallopt(3)

#: For worker processes. Without these, malloc takes the largest buffer that was freed for the measure of what to keep (up to 64 MiB), and a
#: pack in the making is moved about in its heap as it grows. So what is larger than any content of a pack has pages of its own, which go
#: back at once; what a chunk of contents took is kept for the next.
FOR_WORKERS: Final = {"MALLOC_MMAP_THRESHOLD_": str((4 << 20) + (64 << 10)), "MALLOC_TRIM_THRESHOLD_": str(16 << 20)}


def use_one_arena() -> None:
    """For the process that leads workers. Each thread that took an answer from one keeps room for another in an arena of its own: 3 MB, and
    a flow has a dozen such threads. They allocate with Python's lock held, so arenas of their own gain them nothing."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)

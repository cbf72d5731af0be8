"""What glibc's malloc keeps of freed memory. Elsewhere these settings are unknown, and nothing happens."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from typing import Final

_M_ARENA_MAX: Final = -8  # malloc.h; mallopt(3)

#: For worker processes: a pack in the making stays in the heap, and its memory is kept for the next. Without these, malloc finds out by
#: what was freed how large that may be, and meanwhile gives memory back and asks for it again: two to four times the page faults. With a
#: lower threshold, by which packs have pages of their own, it was five times as many, and half a second of CPU for 60 packs.
FOR_WORKERS: Final = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(32 << 20)}


def use_one_arena() -> None:
    """For the process that leads workers. Each thread that took an answer from one keeps room for another in an arena of its own: 3 MB, and
    a flow has a dozen such threads. They allocate with Python's lock held, so arenas of their own gain them nothing."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)

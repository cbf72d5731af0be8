"""Intel's Multi-Buffer Crypto for IPsec library (libIPSec_MB), by ctypes: up to 16 SHA-256 or 8 SHA-512 side by side on one core.

Its calls are macros over function pointers in a structure, and a job is a structure, too. So only those versions are used whose
intel-ipsec-mb.h was read and which were tried, and the library must give the version and the size of that structure that belong together.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import weakref
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from strongroom.hashing.many import Content, LanesError

#: As the linker knows them; what is installed, in no place of our own.
LIBRARIES: Final = ("libIPSec_MB.so.2", "libIPSec_MB.so.1")

_BURST: Final = 128  # IMB_MAX_BURST_SIZE
_LONGEST: Final = (1 << 16) - 2  # a lane counts in 16 bits
_ALGORITHMS: Final = {"sha256": (15, 32), "sha512": (17, 64)}  # IMB_AUTH_SHA_256, IMB_AUTH_SHA_512; bytes of a digest
# Pointers in IMB_MGR, by their bytes from its beginning: alike in all versions below.
_GET_NEXT_BURST, _SUBMIT_BURST, _FLUSH_BURST, _SUBMIT_HASH_BURST = 952, 960, 976, 1000
# Fields of IMB_JOB, by their 8-byte words: src, hash_start_src_offset_in_bytes, msg_len_to_hash_in_bytes, auth_tag_output,
# auth_tag_output_len_in_bytes; status and cipher_mode; cipher_direction and hash_alg; chain_order.
_SRC, _START, _LENGTH, _TAG, _TAG_LENGTH, _STATUS, _DIRECTION, _ORDER = 3, 7, 8, 11, 12, 16, 17, 18
_NULL_CIPHER, _ENCRYPT, _HASH_CIPHER, _COMPLETED = 3, 1, 2, 3


@dataclass(frozen=True, slots=True)
class _Layout:
    manager: int  # imb_get_mb_mgr_size()
    job: int  # words of IMB_JOB
    ring: int | None = None  # bytes from the beginning of IMB_MGR to its 256 jobs, where jobs must be those
    slots: int = _BURST


#: 1.3 is Debian 12's. Its hash burst knows HMAC alone, so jobs go through the manager's own queue. 2.0 is Debian 13's, 2.0.2 Debian 14's.
_LAYOUTS: Final = {
    0x10300: _Layout(manager=200_744, job=25, ring=1024, slots=256),
    0x20000: _Layout(manager=229_288, job=27),
    0x20002: _Layout(manager=229_288, job=27),
}


class MultiBuffer:
    """The library, for all threads: each gets a manager of its own, since a manager serves one at a time."""

    shortest: Final = 1
    longest: Final = _LONGEST
    burst: Final = _BURST

    def __init__(self, library: ctypes.CDLL) -> None:
        """Raises LanesError for a version that is not known, or a processor that it does not know."""
        try:
            library.imb_get_version.restype = ctypes.c_uint
            library.imb_get_mb_mgr_size.restype = ctypes.c_size_t
            version, size = library.imb_get_version(), library.imb_get_mb_mgr_size()
        except AttributeError as error:
            raise LanesError(f"libIPSec_MB lacks a function: {error}") from error
        self.name = f"libIPSec_MB {version >> 16}.{version >> 8 & 255}.{version & 255}"
        layout = _LAYOUTS.get(version)
        if layout is None or layout.manager != size:
            raise LanesError(f"{self.name} is not a version that was tried")
        self._library, self._layout = library, layout
        self._local = threading.local()

    def digests(self, contents: Sequence[Content], algorithm: str) -> list[bytes]:
        """As in Lanes."""
        manager: _Manager | None = getattr(self._local, "manager", None)
        if manager is None:
            manager = self._local.manager = _Manager(self._library, self._layout)
        return manager.digests(contents, *_ALGORITHMS[algorithm])


class _Manager:
    """An IMB_MGR and the memory it works on, for one thread."""

    def __init__(self, library: ctypes.CDLL, layout: _Layout) -> None:
        library.alloc_mb_mgr.restype, library.alloc_mb_mgr.argtypes = ctypes.c_void_p, [ctypes.c_uint64]
        library.init_mb_mgr_auto.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        library.free_mb_mgr.argtypes = library.imb_get_errno.argtypes = [ctypes.c_void_p]
        address = library.alloc_mb_mgr(0)
        if not address:
            raise LanesError("libIPSec_MB got no memory")
        weakref.finalize(self, library.free_mb_mgr, address).atexit = False
        library.init_mb_mgr_auto(address, None)
        if error := library.imb_get_errno(address):
            raise LanesError(f"libIPSec_MB cannot be used with this processor (error {error})")
        self._address, self._layout = address, layout
        if layout.ring is None:
            self._submit, place = self._hash_burst, ctypes.create_string_buffer(layout.slots * layout.job * 8)
        else:
            self._submit, place = self._queue, (ctypes.c_char * (layout.slots * layout.job * 8)).from_address(address + layout.ring)
        self._jobs, self._jobs_at = memoryview(place).cast("B").cast("Q"), ctypes.addressof(place)
        self._tags = ctypes.create_string_buffer(_BURST * max(size for _, size in _ALGORITHMS.values()))
        self._pointers = (ctypes.c_void_p * _BURST)()
        whole = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int)
        part = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p)
        self._submit_hash_burst = whole(self._pointer(_SUBMIT_HASH_BURST))
        self._get_next_burst, self._submit_burst, self._flush_burst = (
            part(self._pointer(at)) for at in (_GET_NEXT_BURST, _SUBMIT_BURST, _FLUSH_BURST))

    def _pointer(self, at: int) -> int:
        value = ctypes.c_uint64.from_address(self._address + at).value
        if not value:
            raise LanesError("libIPSec_MB has no such function for this processor")
        return value

    def digests(self, contents: Sequence[Content], algorithm: int, size: int) -> list[bytes]:
        """`algorithm`: an IMB_HASH_ALG, whose digests have `size` bytes."""
        count = len(contents)
        lengths = array("Q", map(len, contents))
        if not 0 < count <= _BURST or min(lengths) < MultiBuffer.shortest or max(lengths) > MultiBuffer.longest:
            raise ValueError("more contents at a time, or others, than this takes")
        data = b"".join(contents)  # in one place that stays where it is until this returns
        addresses = array("Q", accumulate(lengths, initial=ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0))
        ctypes.memset(self._tags, 0, count * size)
        done = 0
        while done < count:
            done += self._submit(addresses[done:count], lengths[done:], done * size, algorithm, size)
        tags = ctypes.string_at(self._tags, count * size)
        return [tags[at : at + size] for at in range(0, count * size, size)]

    def _hash_burst(self, addresses: array[int], lengths: array[int], first: int, algorithm: int, size: int) -> int:
        """All jobs in one call; the number of them."""
        count = len(lengths)
        jobs = self._fill(0, addresses, lengths, first, algorithm, size)
        self._check(jobs, self._submit_hash_burst(self._address, self._jobs_at, count, algorithm), count)
        return count

    def _queue(self, addresses: array[int], lengths: array[int], first: int, algorithm: int, size: int) -> int:
        """As many jobs as fit at the end of the queue, which is empty before and after; the number of them."""
        step = self._layout.job * 8
        self._get_next_burst(self._address, 1, self._pointers)
        slot, rest = divmod((self._pointers[0] or 0) - self._jobs_at, step)
        if rest or not 0 <= slot < self._layout.slots:
            raise LanesError("libIPSec_MB has its jobs elsewhere")
        count = min(len(lengths), self._layout.slots - slot)
        if self._get_next_burst(self._address, count, self._pointers) != count:
            raise LanesError("libIPSec_MB has no room for jobs")
        jobs = self._fill(slot, addresses[:count], lengths[:count], first, algorithm, size)
        done = self._submit_burst(self._address, count, self._pointers)
        if done < count:
            done += self._flush_burst(self._address, count - done, self._pointers)
        self._check(jobs, done, count)
        return count

    def _fill(self, slot: int, addresses: array[int], lengths: array[int], first: int, algorithm: int, size: int) -> memoryview:
        """Jobs from `slot` on, whose digests go to the tags from byte `first` on. By columns: a loop over fields costs more than hashes."""
        count, words = len(lengths), self._layout.job
        tag = ctypes.addressof(self._tags) + first
        jobs = self._jobs[slot * words : (slot + count) * words]
        jobs[_SRC::words], jobs[_LENGTH::words] = addresses, lengths
        jobs[_TAG::words] = array("Q", range(tag, tag + count * size, size))
        for word, value in ((_START, 0), (_TAG_LENGTH, size), (_STATUS, _NULL_CIPHER << 32), (_DIRECTION, _ENCRYPT | algorithm << 32),
                            (_ORDER, _HASH_CIPHER)):
            jobs[word::words] = array("Q", [value]) * count
        return jobs

    def _check(self, jobs: memoryview, done: int, count: int) -> None:
        """Raises LanesError unless every job says of itself that it is done."""
        if done != count or set(jobs[_STATUS :: self._layout.job]) != {_NULL_CIPHER << 32 | _COMPLETED}:
            raise LanesError("libIPSec_MB did not do all it was asked")


def load(open_library: Callable[[str], ctypes.CDLL] = ctypes.CDLL) -> MultiBuffer:
    """The library, if it is installed and of a version that is known here. Raises LanesError."""
    if sys.byteorder != "little" or ctypes.sizeof(ctypes.c_void_p) != 8 or os.uname().machine != "x86_64":
        raise LanesError("libIPSec_MB is for x86-64 processors")
    why = LanesError("libIPSec_MB is not installed")
    for name in LIBRARIES:
        try:
            return MultiBuffer(open_library(name))
        except OSError:
            continue
        except LanesError as error:
            why = error
    raise why

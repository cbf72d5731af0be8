"""A libIPSec_MB in Python: its structures as intel-ipsec-mb.h lays them out, its functions as ctypes callbacks. It hashes with hashlib and
may be told to lie."""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Callable

NAMES = {15: "sha256", 17: "sha512"}
NULL_CIPHER, ENCRYPT, HASH_CIPHER, COMPLETED = 3, 1, 2, 3
SIZES = {0x10300: (200, 200_744), 0x20000: (216, 229_288), 0x20002: (216, 229_288)}  # bytes of IMB_JOB, imb_get_mb_mgr_size()
POINTERS = {"get_next_burst": 952, "submit_burst": 960, "flush_burst": 976, "submit_hash_burst": 1000}
RING, SLOTS, FIRST = 1024, 256, 37  # where 1.3 has its jobs, how many, and which is the first to be used after its own trial

Burst = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint32, ctypes.POINTER(ctypes.c_void_p))
HashBurst = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int)


class Job(ctypes.Structure):
    """IMB_JOB, as far as all versions have it alike."""

    _fields_ = [
        *((name, ctypes.c_uint64) for name in ("enc_keys", "dec_keys", "key_length", "src", "dst", "cipher_start", "cipher_length")),
        *((name, ctypes.c_uint64) for name in ("hash_start", "hash_length", "iv", "iv_length", "tag", "tag_length", "u1", "u2", "u3")),
        *((name, ctypes.c_int32) for name in ("status", "cipher_mode", "cipher_direction", "hash_algorithm", "chain_order")),
    ]


def honest(content: bytes, algorithm: str, lane: int) -> bytes:
    return hashlib.new(algorithm, content).digest()


Digest = Callable[[bytes, str, int], bytes]


class Library:
    """What ctypes.CDLL would give. `digest`: (content, algorithm, number in the burst) to what is said to be its digest."""

    def __init__(self, version: int, digest: Digest = honest, *, size: int | None = None, error: int = 0, short: int = 0,
                 status: int = COMPLETED, lacks: str = "") -> None:
        """`short`: how many jobs of a burst are left undone; `lacks`: a function that is no pointer."""
        self.digest, self.short, self.status, self.hashed = digest, short, status, 0
        self.job, whole = SIZES.get(version, (216, 229_288))
        self.memory = ctypes.create_string_buffer(whole)
        self.next, self.waiting, self.freed = FIRST, 0, 0
        self.imb_get_version = ctypes.CFUNCTYPE(ctypes.c_uint)(lambda: version)
        self.imb_get_mb_mgr_size = ctypes.CFUNCTYPE(ctypes.c_size_t)(lambda: whole if size is None else size)
        self.alloc_mb_mgr = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint64)(lambda flags: ctypes.addressof(self.memory))
        self.init_mb_mgr_auto = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(lambda manager, arch: None)
        self.imb_get_errno = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(lambda manager: error)
        self.free_mb_mgr = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self._free)
        self.calls = {
            "get_next_burst": Burst(self._get), "submit_burst": Burst(self._submit), "flush_burst": Burst(self._flush),
            "submit_hash_burst": HashBurst(self._hash_burst),
        }
        for name, at in POINTERS.items():
            pointer = 0 if name == lacks else ctypes.cast(self.calls[name], ctypes.c_void_p).value
            ctypes.c_uint64.from_address(ctypes.addressof(self.memory) + at).value = pointer

    def _free(self, manager: int) -> None:
        self.freed += 1

    def _do(self, job: Job, algorithm: int, lane: int) -> None:
        assert job.src and job.tag and not job.hash_start and 0 < job.hash_length < 65535
        name = NAMES[algorithm]
        content = ctypes.string_at(job.src, job.hash_length)
        assert job.tag_length == hashlib.new(name).digest_size
        ctypes.memmove(job.tag, self.digest(content, name, lane).ljust(job.tag_length, b"\0"), job.tag_length)
        job.status = self.status
        self.hashed += 1

    def _hash_burst(self, manager: int, jobs: int, count: int, algorithm: int) -> int:
        """2.0: jobs are the caller's; what cipher and order they have does not matter."""
        assert manager == ctypes.addressof(self.memory) and 0 < count <= 128 and self.job == 216
        for lane in range(count - self.short):
            self._do(Job.from_address(jobs + lane * self.job), algorithm, lane)
        return count - self.short

    # -- 1.3: jobs are the manager's

    def _at(self, slot: int) -> int:
        return ctypes.addressof(self.memory) + RING + slot % SLOTS * self.job

    def _get(self, manager: int, count: int, jobs) -> int:
        for number in range(count):
            jobs[number] = self._at(self.next + number)
        return count

    def _submit(self, manager: int, count: int, jobs) -> int:
        """Some are done at once, the rest when it is flushed."""
        assert 0 < count <= 128
        for lane in range(count):
            assert jobs[lane] == self._at(self.next + lane)
            job = Job.from_address(jobs[lane])
            assert (job.cipher_mode, job.cipher_direction, job.chain_order) == (NULL_CIPHER, ENCRYPT, HASH_CIPHER)
            if lane < count - self.short:
                self._do(job, job.hash_algorithm, lane)
        self.next = (self.next + count) % SLOTS
        self.waiting = count - count // 2
        return count // 2

    def _flush(self, manager: int, count: int, jobs) -> int:
        assert count == self.waiting
        self.waiting = 0
        return count - self.short

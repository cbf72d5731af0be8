"""What the machine allows: python -m tests.bench.floor hash|copy FOLDER [DEST]

hash  read every file from the medium, past the page cache as an audit does, and hash it by SHA-256, with all cores
copy  read from wherever it is, hash, and write each to DEST, synced at the end
"""

from __future__ import annotations

import hashlib
import os
import sys
from multiprocessing import Pool

_CHUNK = 1 << 20


def _one(job: tuple[str, str | None]) -> int:
    source, target = job
    running, size, buffer = hashlib.sha256(), 0, bytearray(_CHUNK)
    view = memoryview(buffer)
    out = None if target is None else os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    with open(source, "rb", buffering=0) as file:
        if target is None and hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while count := file.readinto(buffer):
            running.update(view[:count])
            size += count
            if out is not None:
                written = 0
                while written < count:
                    written += os.write(out, view[written:count])
    if out is not None:
        os.fsync(out) if size > _CHUNK else None
        os.close(out)
    return size


def main(what: str, folder: str, dest: str | None = None) -> int:
    files = [os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names]
    files.sort(key=os.path.getsize, reverse=True)  # so that no core is left with the largest at the end
    if dest is not None:
        os.makedirs(dest)
    jobs = [(file, os.path.join(dest, str(number)) if dest else None) for number, file in enumerate(files)]
    with Pool(os.cpu_count()) as pool:
        total = sum(pool.imap_unordered(_one, jobs, chunksize=max(1, min(200, len(jobs) // 16))))
    if dest is not None:
        os.sync()
    print(what, len(files), total)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

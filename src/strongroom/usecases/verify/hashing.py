"""Reading files and hashing them with every algorithm in one pass; runs in worker processes."""

from __future__ import annotations

import os
from typing import NamedTuple

from strongroom.core.digests import new_hash
from strongroom.usecases.verify.bag import CHUNK, open_regular


class Expected(NamedTuple):
    """One file and what its manifests say of it."""

    path: bytes  # relative to the bag
    real: bytes  # what to open, relative to the bag
    digests: tuple[tuple[str, str, str], ...]  # manifest, algorithm, digest in lower-case hexadecimal


class Hashed(NamedTuple):
    """What came of a batch; only files that are wrong are named, so that the answer stays small."""

    files: int
    size: int  # bytes read
    mismatches: list[tuple[bytes, str, str, str]]  # path, manifest, expected, found
    unreadable: list[tuple[bytes, str]]  # path, why



def hash_batch(root: bytes, batch: list[Expected]) -> Hashed:
    """Hash each file once and compare. Raises nothing for a bad or unreadable file."""
    mismatches: list[tuple[bytes, str, str, str]] = []
    unreadable: list[tuple[bytes, str]] = []
    size = 0
    for expected in batch:
        try:
            found, read = _digests(os.path.join(root, expected.real), {algorithm for _, algorithm, _ in expected.digests})
        except OSError as error:
            unreadable.append((expected.path, error.strerror or str(error)))
            continue
        size += read
        mismatches += [
            (expected.path, manifest, digest, found[algorithm])
            for manifest, algorithm, digest in expected.digests
            if found[algorithm] != digest
        ]
    return Hashed(len(batch), size, mismatches, unreadable)


def _digests(path: bytes, algorithms: set[str]) -> tuple[dict[str, str], int]:
    hashes = {algorithm: new_hash(algorithm) for algorithm in algorithms}
    size = 0
    descriptor = open_regular(path)
    try:
        while chunk := os.read(descriptor, CHUNK):
            size += len(chunk)
            for running in hashes.values():
                running.update(chunk)
    finally:
        os.close(descriptor)
    return {algorithm: running.hexdigest() for algorithm, running in hashes.items()}, size

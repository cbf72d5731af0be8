"""What came with the files: records that hold some back, and checksums to compare with what was read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from strongroom.core.digests import HEX_LENGTH
from strongroom.core.findings import Code, Finding
from strongroom.metadata import ValidationResult
from strongroom.usecases.archive.spool import Spool


def leave_out(spool: Spool, paths: Iterator[str]) -> None:
    """Take files out of the payload whose records are invalid (`on_invalid: hold`), and list them as held."""
    with spool.transaction() as db:
        for path in paths:
            db.execute("INSERT OR REPLACE INTO structure (path, kind, reason) VALUES (?, 'excluded', 'held')", (path,))
            db.execute("DELETE FROM files WHERE path = ? AND read < 2", (path,))


def extra_algorithms(records: ValidationResult, fixity: tuple[str, ...]) -> tuple[str, ...]:
    """Algorithms of supplied checksums that the manifests do not need, and that can be computed."""
    wanted = {checksum.algorithm for checksum in records.checksums()}
    return tuple(sorted(name for name in wanted if name in HEX_LENGTH and name not in fixity))


def compare_checksums(spool: Spool, records: ValidationResult, algorithms: tuple[str, ...], found: Callable[[Finding], None]) -> list[str]:
    """Compare every supplied checksum with what was read; the payload paths that differ. `algorithms`: those read, sha256 first."""
    differing = []
    for checksum in records.checksums():
        row = spool.db.execute("SELECT sha256, others FROM files WHERE path = ? AND read < 2", (checksum.path,)).fetchone()
        if row is None or row[0] is None:
            continue  # left out, and that was said
        if checksum.algorithm not in algorithms:
            found(Finding(Code.CHECKSUM_UNKNOWN, checksum.place, f"{checksum.path}: no way to compute {checksum.algorithm}; not compared"))
            continue
        read = digest_of(row[0], row[1], algorithms, checksum.algorithm)
        if read != checksum.hex:
            differing.append(checksum.path)
            message = f"{checksum.path}: {checksum.algorithm} supplied is {checksum.hex}, what was read has {read}"
            found(Finding(Code.CHECKSUM_MISMATCH, checksum.place, message))
    return differing


def digest_of(sha256: bytes, others: bytes, algorithms: tuple[str, ...], algorithm: str) -> str:
    """The digest by `algorithm`, in hexadecimal, from what the spool holds. `algorithms`: those that were computed, sha256 first."""
    if algorithm == "sha256":
        return sha256.hex()
    at = 0
    for name in algorithms[1:]:
        length = HEX_LENGTH[name] // 2
        if name == algorithm:
            return others[at : at + length].hex()
        at += length
    raise AssertionError(algorithm)

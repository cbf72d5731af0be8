"""The small objects of a bag, brought from store to store bit for bit: marker, tag files, signature, seal."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Final

from strongroom.core import canonical, keys
from strongroom.core.bag.manifest import manifest_name
from strongroom.core.digests import Digest
from strongroom.core.errors import KeyExistsError, NotFoundInStoreError
from strongroom.core.events import utc_now
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId
from strongroom.stores.generations import first_good, generations, holds, put_or_generation, put_stream_or_generation, read_all
from strongroom.stores.interface import Store
from strongroom.usecases.sealed.bag import SealedBag
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.objects import CHUNK
from strongroom.usecases.sealed.seals import SEAL_LIMIT, read_seals
from strongroom.usecases.signatures.choosing import signature_check

_SMALL: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class BagFiles:
    """A bag whose every tag file lies verified in a folder, and its small objects as bytes."""

    bag: BagId
    attempt: str
    open: bytes
    tag_files: tuple[tuple[str, Path, int, Digest], ...]  # path in the bag, file, length; the tag manifests last
    signature: bytes | None
    seal: bytes


def gather(bag: SealedBag, seal: bytes, holders: Sequence[Store], collector: Collector) -> BagFiles | None:
    """Everything small of a bag, from the stores that hold it. None (with findings) if a tag file is lost in all of them."""
    files = []
    for path in sorted(bag.tag_files, key=_tag_manifests_last):
        file = bag.tag_file(path)
        if file is None:
            return None
        files.append((path, file, file.stat().st_size, _digest(file)))
    attempt = bag.seal.attempt
    marker = first_good(holders, keys.attempt_open(bag.id, attempt), lambda data: _names_attempt(data, attempt), _SMALL)
    if marker is None:  # gone everywhere; it says only that an attempt is under way, and one is
        marker = canonical.dumps({"format": "strongroom-attempt/1", "bag": str(bag.id), "attempt": attempt, "opened": utc_now()})
        collector.add(Finding(Code.COPY_DAMAGED, str(keys.attempt_open(bag.id, attempt)), "is gone in every store; made anew"))
    key, signed = keys.signature(bag.id, attempt), signature_check(holders, bag.seal, seal)
    # One that holds; where none does, what there is: that it is broken shall be seen in every store.
    signature = first_good(holders, key, signed, _SMALL) or first_good(holders, key, lambda _: True, _SMALL)
    if signature is None and bag.seal.signer is not None:
        collector.add(Finding(Code.SIGNATURE_MISSING, str(bag.id), "the seal says that it is signed, and no store has the signature"))
    return BagFiles(bag.id, attempt, marker, tuple(files), signature, seal)


def put_marker(files: BagFiles, store: Store) -> None:
    """From here on the attempt may rely on contents it finds in the store."""
    put_or_generation(store, keys.attempt_open(files.bag, files.attempt), files.open, Digest.of(files.open))


def put_tag_files(files: BagFiles, store: Store) -> list[Finding]:
    """The tag files, tag manifests last, each read back; what does not is a finding."""
    damaged = []
    for path, file, length, digest in files.tag_files:
        key = keys.tag_file(files.bag, files.attempt, path)
        at = put_stream_or_generation(store, key, partial(_open, file), length, digest)
        if not holds(store, at, digest, uncached=True):
            damaged.append(Finding(Code.TAG_FILE_DAMAGED, f"{store.url}: {at}", "does not read back as it was written"))
    return damaged


def put_seal(files: BagFiles, store: Store) -> bool:
    """The signature, then the seal, which makes the bag. Beside another seal it becomes a generation: the label is forked then.

    Not beside one that voids the number: False, and there is no such bag. A sweep that voids it no longer waits for what it brings.
    """
    if files.signature is not None:
        put_or_generation(store, keys.signature(files.bag, files.attempt), files.signature, Digest.of(files.signature))
    key, digest = keys.seal(files.bag), Digest.of(files.seal)
    try:
        store.put(key, files.seal, sha256=digest)  # create-only decides between this seal and a void
    except KeyExistsError:
        if read_seals(store, files.bag).void:
            return False
        put_or_generation(store, key, files.seal, digest)
    return True


def read_seal(bag: BagId, digest: Digest, holders: Sequence[Store]) -> bytes:
    """The bytes of the seal with this digest. Raises NotFoundInStoreError if none of the stores has it any more."""
    for store in holders:
        for key in generations(store, keys.seal(bag)):
            data = read_all(store, key, SEAL_LIMIT)
            if Digest.of(data) == digest:
                return data
    raise NotFoundInStoreError(f"{bag}: no seal {digest} in {', '.join(store.url for store in holders)}")


def _names_attempt(data: bytes, attempt: str) -> bool:
    value = canonical.loads(data, what="open")
    return isinstance(value, dict) and value.get("attempt") == attempt


def _digest(file: Path) -> Digest:
    with file.open("rb") as lines:
        return Digest(hashlib.file_digest(lines, "sha256").hexdigest())


def _open(file: Path) -> IO[bytes]:
    return file.open("rb", buffering=CHUNK)


def _tag_manifests_last(path: str) -> tuple[bool, str]:
    found = manifest_name(path)
    return found is not None and found[0], path

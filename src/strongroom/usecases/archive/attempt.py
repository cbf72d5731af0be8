"""One attempt at a bag: open, store its tag files, seal, or close (docs/format.md, section 6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from strongroom.catalogue import ObjectRow
from strongroom.core import canonical, keys
from strongroom.core.bag.manifest import manifest_name
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, KeyExistsError, NotFoundInStoreError
from strongroom.core.events import utc_now
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId, new_id
from strongroom.core.placement import place_line
from strongroom.core.seal import Seal, parse_seal
from strongroom.signing import Signer
from strongroom.stores.generations import find_generation, put_or_generation, put_stream_or_generation, read_all
from strongroom.stores.interface import Store
from strongroom.usecases.archive.tagfiles import TagFile

_SEAL_LIMIT = 16 * 1024**2


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at `bag`. Nothing in the store may be relied upon before it is open."""

    store: Store
    bag: BagId
    id: str

    @classmethod
    def open(cls, store: Store, bag: BagId) -> Attempt:
        """A new attempt, durably marked as under way."""
        attempt = cls(store, bag, new_id())
        data = canonical.dumps({"format": "strongroom-attempt/1", "bag": str(bag), "attempt": attempt.id, "opened": utc_now()})
        put_or_generation(store, keys.attempt_open(bag, attempt.id), data, Digest.of(data))
        return attempt

    def close(self, reason: str) -> None:
        """Mark the attempt as ended without a bag."""
        data = canonical.dumps({"format": "strongroom-attempt/1", "closed": utc_now(), "reason": reason})
        put_or_generation(self.store, keys.attempt_closed(self.bag, self.id), data, Digest.of(data))

    def store_tag_files(self, files: Sequence[TagFile]) -> Iterator[int]:
        """Upload them, the tag manifests last; yields the bytes of each."""
        for file in sorted(files, key=_tag_manifests_last):
            key = keys.tag_file(self.bag, self.id, file.path)
            put_stream_or_generation(self.store, key, partial(_open, file.file), file.length, Digest(file.digests["sha256"]))
            yield file.length

    def store_placement(self, objects: Iterator[ObjectRow]) -> None:
        """Say where in this store the bag's contents lie."""
        data = placement_lines(objects)
        put_or_generation(self.store, keys.placement(self.bag), data, Digest.of(data))

    def seal(self, seal: Seal, signer: Signer | None = None) -> Digest | None:
        """Sign, then create the seal: the bag's identity if this attempt is the bag now, None if the number went to another."""
        data = seal.to_bytes()
        key = keys.seal(self.bag)
        parse_seal(data, what=str(key))  # a seal that nobody could read would lose the bag
        if signer is not None:
            signature = signer.sign(data, f"strongroom seal {self.bag} {seal.sealed}")
            put_or_generation(self.store, keys.signature(self.bag, self.id), signature, Digest.of(signature))
        try:
            self.store.put(key, data, sha256=Digest.of(data))
        except KeyExistsError:
            there = read_all(self.store, key, _SEAL_LIMIT)
            if there == data:
                return Digest.of(data)  # our own write took effect and its reply was lost
            parse_seal(there, what=f"{self.store.url}: {key}")  # damaged: say so, and never seal beside it unseen
            return None
        return Digest.of(data)

    def verify_tag_files(self, files: Sequence[TagFile]) -> list[Finding]:
        """Read every tag file back from the medium, in whichever generation it was written."""
        url = self.store.url
        damaged = (file for file in files if not self._reads_back(file))
        return [Finding(Code.TAG_FILE_DAMAGED, f"{url}: {self._key(file)}", "does not read back as it was written") for file in damaged]

    def _reads_back(self, file: TagFile) -> bool:
        try:
            find_generation(self.store, self._key(file), Digest(file.digests["sha256"]), uncached=True)
        except (DamagedInStoreError, NotFoundInStoreError):
            return False
        return True

    def _key(self, file: TagFile) -> keys.StoreKey:
        return keys.tag_file(self.bag, self.id, file.path)


def placement_lines(objects: Iterable[ObjectRow]) -> bytes:
    """The bytes of `placement.jsonl` (docs/format.md, 3.4)."""
    return "".join(sorted(place_line(row.kind, row.digest) for row in objects)).encode()


def _open(file: Path) -> IO[bytes]:
    return file.open("rb")


def _tag_manifests_last(file: TagFile) -> tuple[bool, str]:
    found = manifest_name(file.path)
    return found is not None and found[0], file.path

"""Reading stored objects back from the medium, in a worker process."""

from __future__ import annotations

from dataclasses import dataclass, field

from strongroom.catalogue import ObjectRow
from strongroom.core.digests import Digest
from strongroom.core.errors import ColdInStoreError, DamagedInStoreError, NotFoundInStoreError
from strongroom.stores.generations import find_generation
from strongroom.stores.interface import Store
from strongroom.usecases.archive.reliance import object_key
from strongroom.usecases.packcheck import check_pack


@dataclass(frozen=True, slots=True)
class ReadBackJob:
    """Packs and large contents to read whole. `members`: look into packs, because only an index says what they hold."""

    store: Store
    objects: tuple[ObjectRow, ...]
    members: bool


@dataclass(slots=True)
class ReadBackResult:
    """Numbers of the objects that have their digest, and of those that do not, are gone, or cannot be looked into; bytes of the first."""

    sound: list[int] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    cold: list[int] = field(default_factory=list)  # of the damaged: nothing is known against them, but that they lie in a cold class
    size: int = 0
    # (sha256, length) that a pack was seen to hold, and the digest of its index if nothing in it lies
    members: dict[int, tuple[list[tuple[bytes, int]], Digest | None]] = field(default_factory=dict)


def read_back(job: ReadBackJob) -> ReadBackResult:
    """Hash every object of the job, past the page cache where the store can. What lies in a cold class cannot be relied upon without having
    been read once; of what was written a moment ago the store's own checksum counts."""
    result = ReadBackResult()
    for row in job.objects:
        try:
            key = find_generation(job.store, object_key(row), row.digest, uncached=True, as_stated=not job.members)
            if job.members and row.kind != "content":
                check = check_pack(job.store, key)
                if check.digest != row.digest:  # other bytes when it was read again
                    result.damaged.append(row.id)
                    continue
                result.members[row.id] = check.contents(), check.members()
        except (DamagedInStoreError, NotFoundInStoreError):
            result.damaged.append(row.id)
        except ColdInStoreError:
            result.damaged.append(row.id)
            result.cold.append(row.id)
        else:
            result.sound.append(row.id)
            result.size += row.size
    return result

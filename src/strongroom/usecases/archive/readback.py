"""Reading stored objects back from the medium, in a worker process."""

from __future__ import annotations

from dataclasses import dataclass

from strongroom.catalogue import ObjectRow
from strongroom.core.errors import DamagedInStoreError, NotFoundInStoreError
from strongroom.stores.generations import find_generation
from strongroom.stores.interface import Store
from strongroom.usecases.archive.reliance import object_key


@dataclass(frozen=True, slots=True)
class ReadBackJob:
    """Packs and large contents to read whole."""

    store: Store
    objects: tuple[ObjectRow, ...]


@dataclass(frozen=True, slots=True)
class ReadBackResult:
    """Numbers of the objects that have their digest, and of those that do not or are gone; bytes of the sound ones."""

    sound: tuple[int, ...]
    damaged: tuple[int, ...]
    size: int


def read_back(job: ReadBackJob) -> ReadBackResult:
    """Hash every object of the job, past the page cache where the store can. One pass verifies all members of a pack."""
    sound, damaged, size = [], [], 0
    for row in job.objects:
        try:
            find_generation(job.store, object_key(row), row.digest, uncached=True)
        except (DamagedInStoreError, NotFoundInStoreError):
            damaged.append(row.id)
        else:
            sound.append(row.id)
            size += row.size
    return ReadBackResult(tuple(sound), tuple(damaged), size)

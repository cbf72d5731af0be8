"""What a job asks first: which contents are withheld, by every store it can see and by what is kept at home."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from strongroom.core.findings import Finding
from strongroom.signing import Keyring, Trust
from strongroom.stores.interface import Store
from strongroom.usecases.context import Context
from strongroom.usecases.replicate.keep import open_kept
from strongroom.usecases.signatures.store_keys import trust_in
from strongroom.usecases.withheld.memory import memory_of
from strongroom.usecases.withheld.tombstones import Withheld


def believed(home: Path, stores: Iterable[Store]) -> Trust:
    """Whom this installation believes, by what it keeps and what lies in these stores."""
    return trust_in(Keyring(home), stores)


def load_withheld(home: Path, stores: Iterable[Store], folder: Path, add_finding: Callable[[Finding], None]) -> Withheld:
    """What the tombstones at home and in these stores together withhold. Raises StoreUnreachableError."""
    every = [open_kept(Context(home)), *stores]
    return Withheld.load(every, believed(home, every), folder, add_finding, memory_of(home))

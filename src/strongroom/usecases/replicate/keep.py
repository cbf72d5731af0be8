"""What is kept at home of bags whose stores take turns: tag files and seals (small), and, if allowed, contents (bounded).

Both lie in folders with the layout of a store below STRONGROOM_HOME, so that they are read as any store is. Losing them loses no bag.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import NotFoundInStoreError
from strongroom.core.ids import BagId
from strongroom.stores.file import FileStore
from strongroom.stores.interface import Store
from strongroom.usecases.context import Context
from strongroom.usecases.replicate.tagside import gather, put_marker, put_seal, put_tag_files, read_seal
from strongroom.usecases.sealed.bag import open_bag
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.places import Places, Target


def open_kept(context: Context) -> Store:
    """The folder of tag files and seals, made if absent."""
    return _folder(context.home / "kept")


def keep(kept: Store, bag: BagId, digest: Digest, holders: list[Store], scratch: Path, collector: Collector) -> None:
    """Copy a bag's small objects home. Raises DamagedBagError if they are lost, StoreError if home cannot take them."""
    scratch.mkdir(parents=True, exist_ok=True)
    sealed = open_bag(Target(bag, digest, Places([], collector, holders)), scratch, collector)
    files = gather(sealed, read_seal(bag, digest, holders), holders, collector)
    if files is not None:
        put_marker(files, kept)
        collector.extend(put_tag_files(files, kept))
        put_seal(files, kept)


def forget(kept: Store, bag: BagId) -> None:
    """Remove what is kept of a bag that every store has now. The seal goes first: what is left of a bag is none."""
    prefix = f"bags/{bag}/"
    for key in sorted((stat.key for stat in kept.list(prefix)), key=lambda key: keys.parse_seal_key(key) is None):
        with contextlib.suppress(NotFoundInStoreError):
            kept.delete(key)


# -- contents


def open_spool(context: Context, seal: Digest) -> Store:
    """The folder of contents that wait for an absent store, of one bag; made if absent."""
    return _folder(context.home / "spool" / seal.hex)


def spools(context: Context) -> dict[Digest, Store]:
    """Those there are, by the bag's identity."""
    root = context.home / "spool"
    return {Digest(path.name): FileStore(str(path)) for path in sorted(root.iterdir())} if root.is_dir() else {}


def drop_spool(context: Context, seal: Digest) -> None:
    shutil.rmtree(context.home / "spool" / seal.hex, ignore_errors=True)


def spooled_bytes(context: Context) -> int:
    """What all spools take, in bytes."""
    return sum(stat.size for store in spools(context).values() for stat in store.list())


def _folder(path: Path) -> FileStore:
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return FileStore(str(path))

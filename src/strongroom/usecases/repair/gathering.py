"""Gathering contents that no store has in the object that should hold them: from other packs, other stores, the source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from strongroom.collections.model import CollectionManifest
from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedBagError, RefusedError, StoreUnreachableError, UsageError
from strongroom.core.ids import BagId
from strongroom.core.pack import INDEX_LIMIT, parse_index
from strongroom.database import Where
from strongroom.runner.interface import Runner
from strongroom.stores.file import FileStore
from strongroom.stores.generations import read_all
from strongroom.stores.interface import Store
from strongroom.usecases.replicate.sink import Written
from strongroom.usecases.replicate.transfer import Origin, Transfer
from strongroom.usecases.restore.locate import Level
from strongroom.usecases.restore.plan import Plan
from strongroom.usecases.sealed.bag import SealedBag, open_bag
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.places import Places, Target
from strongroom.usecases.sealed.seals import find_seals
from strongroom.usecases.sources import open_source


class Gathering:
    """Contents that are looked for, in a scratch store of files. `staging` holds what was found, `places` says where in it."""

    def __init__(self, scratch: Path, runner: Runner, collector: Collector) -> None:
        (scratch / "staging").mkdir(parents=True)
        self._scratch, self._runner, self._collector = scratch, runner, collector
        self.staging = FileStore(str(scratch / "staging"))
        self.places = scratch / "wanted.sqlite"
        self._plan = Plan(self.places, create=True)
        self._plan.db.execute("CREATE TABLE staged (sha BLOB PRIMARY KEY, key TEXT NOT NULL, offset INTEGER, length INTEGER) WITHOUT ROWID")
        self._transfer = Transfer(self._plan, self.staging, runner, collector, self._record)

    def close(self) -> None:
        self._plan.close()

    def want(self, contents: Iterable[bytes]) -> None:
        with self._plan.transaction():
            self._plan.db.executemany("INSERT OR IGNORE INTO content (sha) VALUES (?)", ((sha,) for sha in contents))

    def missing(self) -> int:
        return self._plan.missing()

    def from_stores(self, stores: Sequence[Store]) -> None:
        """Look into every pack there is, by index, then by headers: nothing is given up before that."""
        for level in (Level.LISTING, Level.HEADERS):
            self._transfer.from_stores(BagId("any", 1), list(enumerate(stores)), level)  # placements of bags are not asked

    def from_source(self, manifests: Sequence[CollectionManifest], stores: Sequence[Store], catalogue: Where) -> None:
        """What the sources of these collections still have, by digest."""
        for manifest in manifests:
            origin = Origin(manifest.name, open_source(manifest, self._runner.workers))
            for bag in self.bags(stores, manifest.name):
                if not self.missing():
                    return
                self._transfer.from_source(bag, origin, catalogue)

    def still_lost(self, contents: Iterable[bytes]) -> None:
        """Begin to ask about these alone."""
        with self._plan.transaction():
            self._plan.db.execute("UPDATE content SET done = 1")
            self._plan.db.executemany("UPDATE content SET done = 0 WHERE sha = ?", ((sha,) for sha in contents))

    def lost_files(self, stores: Sequence[Store]) -> Iterator[tuple[BagId, str, Digest]]:
        """Each payload file of any bag of the stores whose content is lost, read from the manifests of the bags, one at a time."""
        for bag in self.bags(stores, None):
            for entry in bag.manifest():
                sql = "SELECT 1 FROM content WHERE sha = ? AND done = 0"
                if self._plan.db.execute(sql, (entry.digest.raw,)).fetchone():
                    yield bag.id, entry.path, entry.digest

    def bags(self, stores: Sequence[Store], name: str | None) -> Iterator[SealedBag]:
        """Every bag of the first of the stores whose tag files can be read from any of them."""
        for number, seals in enumerate(find_seals(stores[0], name)):
            for one in seals.found:
                folder = self._scratch / f"bag-{name}-{number}-{one.digest.hex[:8]}"
                folder.mkdir(exist_ok=True)
                try:
                    yield open_bag(Target(one.bag, one.digest, Places([], self._collector, stores)), folder, self._collector)
                except (DamagedBagError, RefusedError, UsageError, StoreUnreachableError):
                    continue  # its tag files are suspects themselves

    def _record(self, written: Written) -> None:
        db = self._plan.db
        if written.kind == "content":
            key = keys.content(written.digest).text
            db.execute("INSERT OR IGNORE INTO staged VALUES (?, ?, 0, ?)", (written.digest.raw, key, written.size))
            return
        members = parse_index(read_all(self.staging, keys.pack_index(written.digest), INDEX_LIMIT))
        key = keys.pack(written.digest).text
        db.executemany("INSERT OR IGNORE INTO staged VALUES (?, ?, ?, ?)", ((m.digest.raw, key, m.offset, m.length) for m in members))

"""What is noted of a bag once it is sealed: in the log of its store, in the catalogue, and at home for stores that are absent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from strongroom.catalogue import Catalogue
from strongroom.catalogue.access import note_access
from strongroom.catalogue.formats import FormatTotal, note_bag_formats
from strongroom.collections.model import CollectionManifest
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedBagError, StoreError
from strongroom.core.events import Event
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId
from strongroom.core.seal import Seal
from strongroom.stores.interface import Store
from strongroom.usecases import log
from strongroom.usecases.archive.destination import Destination
from strongroom.usecases.replicate.descriptions import keep_description
from strongroom.usecases.replicate.keep import keep
from strongroom.usecases.sealed.collector import Collector


class Noting:
    """`kept`: the store at home with the tag files of bags whose stores may be absent. A run that is cut off in here is made good by the
    next one, since the store is still marked as dirty."""

    def __init__(self, manifest: CollectionManifest, catalogue: Catalogue, destination: Destination, kept: Store, scratch: Path,
                 findings: Collector) -> None:
        self._manifest, self._catalogue, self._destination = manifest, catalogue, destination
        self._kept, self._scratch, self._findings = kept, scratch, findings

    def log(self, events: list[Event]) -> None:
        """Raises StoreError."""
        log.append(self._catalogue, self._destination.store, self._destination.number, self._destination.id, events)

    def sealed(self, seal: Seal, digest: Digest, formats: Sequence[FormatTotal]) -> None:
        """A new bag in the catalogue."""
        self.known(seal, digest)
        note_access(self._catalogue, digest, self._manifest.access.level, self._manifest.access.embargo_until)
        note_bag_formats(self._catalogue, digest, formats)

    def known(self, seal: Seal, digest: Digest) -> None:
        """A bag that this store has."""
        self._catalogue.record_bag(seal, digest, self._destination.number)

    def clean(self) -> None:
        """Nothing of this run waits to be noted any more."""
        self._catalogue.set_dirty(self._destination.number, dirty=False)

    def keep(self, bag: BagId, digest: Digest) -> None:
        """Keep tag files and seal at home where another store is to have the bag: this one may be absent then. And the store's description
        where compressed packs may have changed it."""
        if self._manifest.compression != "none":
            keep_description(self._kept, self._destination.store)
        if len(self._manifest.stores) > 1:
            try:
                keep(self._kept, bag, digest, [self._destination.store], self._scratch / "keep", self._findings)
            except (StoreError, DamagedBagError) as error:  # the bag is sealed whatever becomes of this
                self._findings.add(Finding(Code.REPLICA_WAITS, str(bag), f"its tag files could not be kept at home: {error}"))

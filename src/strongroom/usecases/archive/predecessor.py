"""The bag before: what the next one follows, is compared with, and belongs to the same collection as."""

from __future__ import annotations

from pathlib import Path

from strongroom.catalogue import Catalogue
from strongroom.collections.model import CollectionManifest
from strongroom.core.digests import Digest
from strongroom.core.ids import BagId, new_id
from strongroom.core.seal import Previous, Seal
from strongroom.stores.interface import Store
from strongroom.usecases.archive.destination import Destination
from strongroom.usecases.archive.previous import LastSeal, SealedTagFiles, find_last
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.signatures.settling import Arbiter


class Predecessor:
    """By every store that answers, by what is kept at home (`kept`), and by what the catalogue knows. `find` comes first."""

    def __init__(self, manifest: CollectionManifest, catalogue: Catalogue, destination: Destination, kept: Store, home: Path,
                 scratch: Path, findings: Collector) -> None:
        self._manifest, self._catalogue, self._destination = manifest, catalogue, destination
        self._home, self._scratch, self._findings = home, scratch, findings
        self._new = new_id()
        self.stores = [*destination.all, kept]
        self.last = LastSeal(0, None, None, None)
        self.files: SealedTagFiles | None = None

    def find(self) -> None:
        """Look for it, once more after a number was lost to another run.

        Raises StoreUnreachableError if it lies in no store within reach, UsageError if the name belongs to another collection.
        """
        known = self.last.digest
        here = {row.seal for row in self._catalogue.bags(self._manifest.name)}
        last = find_last(self.stores, self._manifest.name, Arbiter.at(self._home), here)
        self.last = self._destination.check_known(last, self._catalogue.latest(self._manifest.name))
        self._destination.check_unasked(self._manifest.name, self.last)
        self._findings.extend(self.last.findings)
        self._destination.check_same_collection(self._manifest, self.last)
        if self.last.seal is not None and self.last.digest not in (None, known):  # a number may be lost without a new bag: taken out of use
            self.files = SealedTagFiles(self.stores, self.last.seal, self._scratch / f"before-{self.last.digest}")

    def collection(self) -> str:
        """The collection's UUID: the manifest's, or that of the bag before, or a new one."""
        return self._manifest.uuid or (self.last.seal.collection if self.last.seal else self._new)

    def pointer(self) -> Previous | None:
        """What the next seal names."""
        return Previous(self.last.seal.bag, self.last.digest) if self.last.seal and self.last.digest else None

    def closed_by(self) -> BagId | None:
        """The bag that none may follow."""
        return self.last.seal.bag if self._manifest.mode == "closed" and self.last.seal is not None else None

    def seal_of(self, state: Digest) -> Seal | None:
        """Its seal, if a bag of that state would say nothing new."""
        return self.last.seal if self.last.seal is not None and self.last.seal.state == state else None

    def is_foreign(self) -> bool:
        """Whether it was sealed by others than this catalogue's runs."""
        return self.last.digest is not None and self.last.digest not in {row.seal for row in self._catalogue.bags(self._manifest.name)}

"""Making one bag of a collection whole in one store (docs/format.md, section 6.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from strongroom.catalogue import Catalogue
from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedBagError, DamagedInStoreError, NotFoundInStoreError
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId
from strongroom.core.seal import Seal
from strongroom.database import Where
from strongroom.runner.interface import Runner
from strongroom.stores.generations import put_or_generation
from strongroom.stores.heeding import HeedingStore
from strongroom.stores.interface import Store
from strongroom.usecases.archive.attempt import placement_lines
from strongroom.usecases.archive.previous import SealedTagFiles, find_last
from strongroom.usecases.archive.reliance import Place
from strongroom.usecases.replicate.attached import Attached
from strongroom.usecases.replicate.holdings import chosen, settle
from strongroom.usecases.replicate.sink import Written
from strongroom.usecases.replicate.tagside import gather, put_marker, put_seal, put_tag_files, read_seal
from strongroom.usecases.replicate.transfer import Origin, Transfer, load_contents
from strongroom.usecases.restore.locate import Level
from strongroom.usecases.restore.plan import Plan
from strongroom.usecases.sealed.bag import SealedBag, open_bag
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.places import Places, Target
from strongroom.usecases.sweep.heed import heed
from strongroom.usecases.withheld.planning import need_not_withheld
from strongroom.usecases.withheld.tombstones import Withheld


@dataclass(frozen=True, slots=True)
class KnownBag:
    """A sealed bag and the stores within reach that hold its tag files."""

    seal: Seal
    digest: Digest
    holders: tuple[Store, ...]


@dataclass(frozen=True, slots=True)
class Brought:
    """How bringing a bag went. Sizes in bytes."""

    whole: bool
    contents: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Sources:
    """Where contents may come from: stores that are attached, spools, the collection's source."""

    stores: tuple[Store, ...]
    origin: Origin
    elsewhere: tuple[str, ...]  # URLs of absent stores that are known to hold the bag


class Bringer:
    """Brings bags of one collection to one store."""

    def __init__(
        self, target: Attached, scope: str, catalogue: Catalogue, runner: Runner, collector: Collector, withheld: Withheld
    ) -> None:
        self._withheld = withheld
        self._target, self._scope, self._catalogue, self._runner, self._collector = target, scope, catalogue, runner, collector

    def bring(self, known: KnownBag, sources: Sources, scratch: Path) -> Brought:
        """Marker, contents, tag files, placement, signature, seal. What cannot be had is a finding, and then there is no seal."""
        folder = scratch / "bag"
        folder.mkdir(parents=True)
        target, bag = HeedingStore(self._target.store), known.seal.bag
        try:
            sealed = open_bag(Target(bag, known.digest, Places([], self._collector, known.holders)), folder, self._collector)
            files = gather(sealed, read_seal(bag, known.digest, known.holders), known.holders, self._collector)
        except (DamagedBagError, DamagedInStoreError, NotFoundInStoreError) as error:
            self._collector.add(Finding(Code.TAG_FILE_DAMAGED, f"{target.url}: {bag}", f"cannot be brought here: {error}"))
            return Brought(False)
        if files is None:
            return Brought(False)
        heed(target, self._catalogue, self._target.number, scratch)  # the marker of an attempt that was swept is not written again
        put_marker(files, target)
        heed(target, self._catalogue, self._target.number, scratch)
        with Plan(scratch / "plan.sqlite", create=True) as plan:
            load_contents(plan, sealed)
            place = Place(target, self._target.number, self._scope)
            settle(plan, self._catalogue, place, self._before(known.seal.bag, scratch), self._runner, self._collector.add)
            need_not_withheld(plan, self._withheld)
            transfer = Transfer(plan, target, self._runner, self._collector, self._record)
            fetch(transfer, sealed, known.holders, sources, self._catalogue.path)
            if plan.missing():
                self._say_missing(plan, sealed, sources, silent=transfer.silent)
                return Brought(False, transfer.contents, transfer.size)
            damaged = put_tag_files(files, target)
            self._collector.extend(damaged)
            if damaged:
                return Brought(False, transfer.contents, transfer.size)
            placement = placement_lines(chosen(plan, self._catalogue.path, self._target.number, self._scope))
            put_or_generation(target, keys.placement(bag), placement, Digest.of(placement))
        if not put_seal(files, target):
            what = "its number was voided here while the bag was brought; a bag is not sealed beside that. A person decides"
            self._collector.add(Finding(Code.FORKED, f"{target.url}: {bag}", what))
            return Brought(False, transfer.contents, transfer.size)
        self._catalogue.record_bag(known.seal, known.digest, self._target.number)
        return Brought(True, transfer.contents, transfer.size)

    def _before(self, bag: BagId, scratch: Path) -> SealedTagFiles | None:
        """The last bag of the collection that the store has, whose contents need not be looked up there."""
        last = find_last([self._target.store], bag.name)
        if last.seal is None:
            return None
        try:
            return SealedTagFiles([self._target.store], last.seal, scratch / "before")
        except DamagedBagError:
            return None

    def _record(self, written: Written) -> None:
        self._catalogue.record_object(
            self._target.number, written.kind, written.digest, written.size, scope=self._scope, contents=written.contents, verified=True,
            members=written.members)

    def _say_missing(self, plan: Plan, bag: SealedBag, sources: Sources, *, silent: bool) -> None:
        missing = {sha for (sha,) in islice(plan.rows("SELECT sha FROM content WHERE done = 0 ORDER BY id"), 100)}
        paths = list(islice((entry.path for entry in bag.manifest() if entry.digest.raw in missing), 3))
        what = f"{plan.missing():,} of its contents ({', '.join(paths)}, …) are in no attached store, in no spool and not in the source"
        place = f"{self._target.store.url}: {bag.id}"
        if sources.elsewhere:
            self._collector.add(Finding(
                Code.REPLICA_WAITS, place, f"{what}; attach {' or '.join(sources.elsewhere)} together with this store and run this again"))
        elif silent:
            self._collector.add(Finding(Code.NOT_REACHED, place, f"{what}; a store stopped answering, run this again"))
        else:
            self._collector.add(Finding(Code.CONTENT_MISSING, place, f"{what}; `strongroom audit` names every file"))


def fetch(transfer: Transfer, bag: SealedBag, holders: Sequence[Store], sources: Sources, catalogue: Where) -> None:
    """Bring what the plan lacks: by hints from every store, from the source, then by looking into every pack of those with the bag."""
    numbered = list(enumerate(sources.stores))
    transfer.from_stores(bag.id, numbered, Level.HINTS)
    transfer.from_source(bag, sources.origin, catalogue)
    promised = {store.url for store in holders}
    for level in (Level.LISTING, Level.HEADERS):
        transfer.from_stores(bag.id, [(number, store) for number, store in numbered if store.url in promised], level)

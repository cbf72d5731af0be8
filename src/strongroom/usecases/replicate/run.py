"""A replication run from beginning to end: collection by collection, store by store, bag by bag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

from strongroom.catalogue import Catalogue
from strongroom.collections.model import CollectionManifest
from strongroom.core.digests import Digest
from strongroom.core.errors import (
    DamagedBagError,
    DamagedInStoreError,
    NotFoundInStoreError,
    StoreFullError,
    StoreUnreachableError,
    WrongStoreError,
)
from strongroom.core.events import Event, EventType
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId
from strongroom.core.keys import StoreKey
from strongroom.core.plural import plural
from strongroom.core.sizes import human_size
from strongroom.runner.interface import Runner
from strongroom.signing import Keyring
from strongroom.stores.interface import Store
from strongroom.usecases import log
from strongroom.usecases.archive import known
from strongroom.usecases.context import Context
from strongroom.usecases.replicate import keep
from strongroom.usecases.replicate.attached import Absent, Attached, attach
from strongroom.usecases.replicate.bring import Bringer, KnownBag, Sources
from strongroom.usecases.replicate.changed import changed_seals
from strongroom.usecases.replicate.descriptions import keep_description
from strongroom.usecases.replicate.logs import copy_logs, copy_marks
from strongroom.usecases.replicate.report import Line, ReplicateReport
from strongroom.usecases.replicate.spooling import spool_bags
from strongroom.usecases.replicate.transfer import Origin
from strongroom.usecases.replicate.voids import copy_voids
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.seals import find_seals
from strongroom.usecases.signatures.settling import Arbiter, passed_over
from strongroom.usecases.signatures.store_keys import copy_keys, publish_keys
from strongroom.usecases.sources import open_source
from strongroom.usecases.tidying import tidy
from strongroom.usecases.withheld.copying import copy_tombstones
from strongroom.usecases.withheld.learning import learn_withheld
from strongroom.usecases.withheld.loading import believed
from strongroom.usecases.withheld.memory import memory_of
from strongroom.usecases.withheld.tombstones import Withheld

Identity = tuple[BagId, Digest]


def replicate(
    manifests: Sequence[CollectionManifest], context: Context, runner: Runner, *, spool_bytes: int = 0, findings: Sequence[Finding] = ()
) -> ReplicateReport:
    """Bring every bag of these collections to every store of its collection manifest that is attached.

    `spool_bytes`: how much of contents may be kept at home for stores that are absent now; 0 for none. `findings`: what was found
    before, for the report. A store that is full or stops answering while it is brought bags is a finding, and the others are served.
    Raises StoreError where one fails before that. What was brought stays; run it again to go on.
    """
    collector = Collector(runner.finding)
    collector.extend(findings)
    lines: list[Line] = []
    unreachable = False
    with Catalogue.open(context.catalogue) as catalogue, context.scratch("replicate") as scratch:
        for manifest in manifests:
            run = _Run(manifest, context, catalogue, runner, collector, scratch / manifest.name)
            lines += run.go(spool_bytes)
            unreachable |= bool(run.failed) or any(not one.reference.offline for one in run.absent)
    report = ReplicateReport(tuple(lines), collector.findings(), unreachable)
    runner.artifact("replicate", "\n".join(["# Replication", "", *(f"* {line}" for line in report.summary())]) + "\n")
    return report


@dataclass(slots=True)
class _Run:
    manifest: CollectionManifest
    context: Context
    catalogue: Catalogue
    runner: Runner
    collector: Collector
    scratch: Path
    attached: list[Attached] = field(default_factory=list)
    absent: list[Absent] = field(default_factory=list)
    bags: dict[Identity, KnownBag] = field(default_factory=dict)
    damaged: list[tuple[BagId, Finding]] = field(default_factory=list)
    held: dict[str, set[Identity]] = field(default_factory=dict)  # by the URL of an attached store, or home
    voided: set[BagId] = field(default_factory=set)
    settled: set[BagId] = field(default_factory=set)  # labels with several seals, of which a trusted signature chose one

    failed: set[str] = field(default_factory=set)  # URLs of stores that could not be brought what they lack
    withheld: Withheld = field(init=False)

    def go(self, spool_bytes: int) -> list[Line]:
        name = self.manifest.name
        self.attached, self.absent = attach(self.manifest, self.catalogue, self.collector, self.runner.workers)
        kept = keep.open_kept(self.context)
        stores = [*(one.store for one in self.attached), kept]
        with self.runner.stage(f"compare the stores of {name}"):
            for store in stores:
                self._look(store)
            self._pass_over()
            self._strike_changed_seals()
            self._say_damaged_seals()
            for one in self.attached:
                keep_description(kept, one.store)
            self._say_forks()
            for one in self.attached:
                copy_voids([store for store in stores if store is not one.store], one.store, name, self.settled)
            self._bring_tombstones(kept)
        lines = [(one.position, self._try_to_serve(one, stores)) for one in self.attached]
        with self.runner.stage(f"keep what absent stores of {name} need"):
            well = [store for store in stores if store.url not in self.failed]
            for to in well:
                copy_logs([store for store in well if store is not to], to, None if to is kept else self._allowed(to))
            for one in self.attached:
                if one.store in well:
                    keep_description(kept, one.store)  # again: with compressed packs it may have got a successor
            self._keep(kept)
        behind = [(one.id, lacking) for one, lacking in self._behind()]
        spool_bags(behind, self.bags, list(stores), spool_bytes, self.context, self.catalogue, self.runner,
                   self.collector, self.scratch / "spool", self.withheld)
        lines += [(one.position, self._line_of_absent(one, lacking)) for one, lacking in self._behind()]
        return [line for _, line in sorted(lines, key=itemgetter(0))]

    def _bring_tombstones(self, kept: Store) -> None:
        """Before any content: what is withheld in one of the stores is not brought to another."""
        stores = [kept, *(one.store for one in self.attached)]
        trust = believed(self.context.home, stores)
        for target in stores:
            allowed = None if target is kept else self._allowed(target)
            copied = copy_tombstones([store for store in stores if store is not target], target, allowed, trust, self.collector)
            if copied and target is kept:
                learn_withheld(self.context, self.runner)
        folder = self.scratch / "withheld"
        self.withheld = Withheld.load(stores, trust, folder, self.collector.add, memory_of(self.context.home))

    # -- what there is

    def _look(self, store: Store) -> None:
        held = self.held[store.url] = set()
        for seals in find_seals(store, self.manifest.name):
            self.damaged += [(seals.bag, one) for one in seals.findings if one.code is not Code.FORKED]
            if seals.void:
                self.voided.add(seals.bag)
            for one in seals.found:
                identity = (one.bag, one.digest)
                held.add(identity)
                before = self.bags.get(identity)
                holders = (*before.holders, store) if before else (store,)
                self.bags[identity] = KnownBag(one.seal, one.digest, holders)

    def _pass_over(self) -> None:
        """Of several seals under one label the one that alone is signed by a trusted key is the bag. The others are brought nowhere."""
        arbiter = Arbiter.at(self.context.home)
        labels: dict[BagId, list[Digest]] = {}
        for bag, digest in sorted(self.bags):
            labels.setdefault(bag, []).append(digest)
        for bag, digests in labels.items():
            void = bag in self.voided
            chosen = arbiter.choose(bag, {one: self.bags[bag, one].holders for one in digests}) if len(digests) + void > 1 else None
            if chosen is None:
                continue
            self.settled.add(bag)
            others = [one for one in digests if one != chosen]
            self.collector.add(passed_over(str(bag), chosen, others, void=void))
            for one in others:
                for store in self.bags.pop((bag, one)).holders:
                    self.held[store.url].discard((bag, one))
                for at in self.attached:
                    self.catalogue.forget_bag(one, at.number)

    def _strike_changed_seals(self) -> None:
        """One that was changed is damaged: no bag of its own, and never brought anywhere."""
        known = [row.seal for row in self.catalogue.bags(self.manifest.name)]
        for one, true in changed_seals(self.bags, known).items():
            for store in self.bags.pop(one).holders:
                self.held[store.url].discard(one)
                what = f"this seal ({one[1]}) is that of the same attempt ({true[1]}) with some bytes changed"
                self.damaged.append((one[0], Finding(Code.SEAL_DAMAGED, f"{store.url}: {one[0]}", what)))

    def _say_damaged_seals(self) -> None:
        """A seal that another store has is brought again, as the next generation; one that none has is an error."""
        labels = {bag for bag, _ in self.bags}
        for bag, one in self.damaged:
            elsewhere = one.code is Code.SEAL_DAMAGED and bag in labels
            self.collector.add(Finding(Code.COPY_DAMAGED, one.place, one.message) if elsewhere else one)

    def _say_forks(self) -> None:
        labels: dict[BagId, list[str]] = {}
        for bag, digest in sorted(self.bags):
            labels.setdefault(bag, []).append(digest.hex)
        for bag, digests in labels.items():
            if len(digests) > 1:
                what = f"different bags were sealed under this label: {', '.join(digests)}; each store keeps them all, and a person decides"
                self.collector.add(Finding(Code.FORKED, str(bag), what))

    def _allowed(self, store: Store) -> frozenset[str]:
        """The collections that belong in an attached store: this one, and those that have bags there."""
        ids = {one.id for one in self.attached if one.store is store}
        return frozenset({self.manifest.name} | {row.bag.name for row in self.catalogue.bags() if ids & set(row.stores)})

    # -- one store

    def _try_to_serve(self, target: Attached, stores: list[Store]) -> Line:
        """As `_serve`, in which this store may fail; what it was brought by then counts."""
        reference = str(self.manifest.stores[target.position])
        before = self.held[target.store.url].copy()
        try:
            return self._serve(target, stores)
        except (StoreFullError, StoreUnreachableError, WrongStoreError) as error:
            self.failed.add(target.store.url)
            self.collector.add(Finding(Code.STORE_SKIPPED, reference, f"not every bag could be brought there: {error}"))
            held = self.held[target.store.url]
            brought, waiting = (tuple(str(bag) for bag, _ in sorted(some)) for some in (held - before, set(self.bags) - held))
            return Line(self.manifest.name, reference, True, brought, len(before), waiting, 0, 0)

    def _serve(self, target: Attached, stores: list[Store]) -> Line:
        others = [store for store in stores if store is not target.store]
        reference = str(self.manifest.stores[target.position])
        lacking = sorted(set(self.bags) - self.held[target.store.url])
        for identity in self.held[target.store.url]:
            self.catalogue.record_bag(self.bags[identity].seal, identity[1], target.number)
        self._say_gone(target, lacking, copy_logs(others, target.store, self._allowed(target.store), target.id))
        copy_marks(others, target.store, self.manifest.name)
        copy_keys(others, target.store)
        publish_keys(target.store, Keyring(self.context.home))
        if not lacking:
            return Line(self.manifest.name, reference, True, (), len(self.held[target.store.url]), (), 0, 0)
        if self.catalogue.is_dirty(target.number):
            with self.runner.stage("learn what the store holds"):
                known.learn(self.catalogue, target.store, target.number)
        self.catalogue.set_dirty(target.number, dirty=True)
        scope = self.manifest.name if self.manifest.dedup == "collection" else ""
        bringer = Bringer(target, scope, self.catalogue, self.runner, self.collector, self.withheld)
        brought: list[Identity] = []
        contents = size = 0
        present = len(self.held[target.store.url])
        try:
            for number, identity in enumerate(lacking):
                one = bringer.bring(self.bags[identity], self._sources(identity, others), self.scratch / f"{target.number}-{number}")
                contents, size = contents + one.contents, size + one.size
                if one.whole:
                    brought.append(identity)
                    self.held[target.store.url].add(identity)
        finally:  # what came before a disk was full is an event as well
            self._log(target, brought, size)
        self.catalogue.set_dirty(target.number, dirty=False)
        tidy(target.store)
        waiting = tuple(str(bag) for bag, digest in lacking if (bag, digest) not in brought)
        return Line(self.manifest.name, reference, True, tuple(str(bag) for bag, _ in brought), present, waiting, contents, size)

    def _say_gone(self, target: Attached, lacking: Sequence[Identity], batches: Sequence[StoreKey]) -> None:
        """What the store had and has no more. It is brought again in this run: afterwards nothing would show that it was gone."""
        if batches:
            self.collector.add(Finding(
                Code.STORE_ROLLED_BACK, target.store.url, f"its own log lacked {plural(len(batches), 'batch')} ({batches[0]} …) that "
                "other stores have: it was put back to an older state, or its log was cut off. What others have is brought again"))
        damaged = {bag for bag, _ in self.damaged}
        known = {row.seal for row in self.catalogue.bags(self.manifest.name) if target.id in row.stores}
        for bag, digest in lacking:
            if digest in known and bag not in damaged:
                self.collector.add(Finding(
                    Code.BAG_REMOVED, f"{target.store.url}: {bag}", f"this store had it ({digest}), and its seal is gone: removed, or the "
                    "store was put back to an older state. It is brought again"))

    def _sources(self, identity: Identity, others: list[Store]) -> Sources:
        origin = Origin(self.manifest.name, open_source(self.manifest, self.runner.workers))
        holding = {store for row in self.catalogue.bags(self.manifest.name) if row.seal == identity[1] for store in row.stores}
        attached = {one.id for one in self.attached}
        elsewhere = tuple(
            next((str(one) for one in self.manifest.stores if one.names(row.id, row.url)), row.url)
            for row in self.catalogue.stores() if row.id in holding - attached
        )
        return Sources((*others, *keep.spools(self.context).values()), origin, elsewhere)

    def _log(self, target: Attached, brought: list[Identity], size: int) -> None:
        if brought:
            detail = f"brought to this store; {human_size(size)} of packs and large contents written in the run, all of them read back"
            events = [Event(EventType.REPLICATION, detail, (str(bag), f"sha256:{digest}", f"store:{target.id}")) for bag, digest in brought]
            log.append(self.catalogue, target.store, target.number, target.id, events)

    # -- what is kept at home

    def _behind(self) -> list[tuple[Absent, list[Identity]]]:
        """The bags that each absent store is not known to have."""
        rows = {row.seal: set(row.stores) for row in self.catalogue.bags(self.manifest.name)}
        return [
            (one, [identity for identity in sorted(self.bags) if one.id is None or one.id not in rows.get(identity[1], ())])
            for one in self.absent
        ]

    def _keep(self, kept: Store) -> None:
        """Tag files and seals of the newest bag, and of each one that a store lacks; those of the others need not be kept any more."""
        newest = max((bag for bag, _ in self.bags), default=None)
        lacking = {identity for _, bags in self._behind() for identity in bags}
        lacking |= {identity for one in self.attached for identity in set(self.bags) - self.held[one.store.url]}
        for number, identity in enumerate(sorted(self.bags)):
            bag, digest = identity
            wanted = len(self.manifest.stores) > 1 and (bag == newest or identity in lacking)
            if wanted and identity not in self.held[kept.url]:
                try:
                    holders = list(self.bags[identity].holders)
                    keep.keep(kept, bag, digest, holders, self.scratch / f"keep-{number}", self.collector)
                except (DamagedBagError, DamagedInStoreError, NotFoundInStoreError, StoreFullError) as error:
                    self.collector.add(Finding(Code.REPLICA_WAITS, str(bag), f"its tag files could not be kept at home: {error}"))
            elif not wanted and identity in self.held[kept.url]:
                keep.forget(kept, bag)

    def _line_of_absent(self, one: Absent, lacking: list[Identity]) -> Line:
        waiting = tuple(str(bag) for bag, _ in lacking)
        return Line(self.manifest.name, str(one.reference), False, (), len(self.bags) - len(waiting), waiting, 0, 0)

"""A repair from beginning to end: store by store, large objects by workers, then the small ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from strongroom.catalogue import Catalogue
from strongroom.catalogue.checks import CheckRow, forget_checks, last_seq, record_checks, record_reading, unreadable, unsound
from strongroom.collections.model import CollectionManifest
from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import StoreError, StoreUnreachableError, UsageError
from strongroom.core.events import Event, EventType, utc_now
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId
from strongroom.core.keys import StoreKey
from strongroom.core.outcomes import CheckOutcome
from strongroom.runner.interface import Runner
from strongroom.stores.answering import AnsweringStore
from strongroom.stores.generations import generations
from strongroom.stores.heeding import HeedingStore
from strongroom.stores.interface import Store
from strongroom.usecases import log
from strongroom.usecases.audit.kinds import Kind, name_of
from strongroom.usecases.context import Context
from strongroom.usecases.repair.gathering import Gathering
from strongroom.usecases.repair.healing import HealBatch, Healed, Left, heal_objects
from strongroom.usecases.repair.misplaced import Misplaced
from strongroom.usecases.repair.opening import Opened, open_stores
from strongroom.usecases.repair.rebuilding import RebuildBatch, rebuild
from strongroom.usecases.repair.report import RepairReport, StoreRepair
from strongroom.usecases.repair.small import Mender
from strongroom.usecases.replicate.keep import open_kept
from strongroom.usecases.replicate.logs import copy_logs
from strongroom.usecases.replicate.sink import Written
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.signatures.settling import Arbiter
from strongroom.usecases.sweep.heed import heed
from strongroom.usecases.withheld.loading import load_withheld
from strongroom.usecases.withheld.tombstones import Withheld

_AT_ONCE: Final = 16  # objects a batch
_OBJECTS_AN_EVENT: Final = 200
_BAG: Final = (Kind.SEAL, Kind.TAG, Kind.SIGNATURE, Kind.MARK)
#: What others are derived from comes first.
_ORDER: Final = (Kind.SEAL, Kind.TAG, Kind.INDEX, Kind.PIECES, Kind.PLACEMENT)


def repair(
    context: Context, runner: Runner, *, stores: Sequence[str] = (), manifests: Sequence[CollectionManifest] = (),
    findings: Sequence[Finding] = (),
) -> RepairReport:
    """Heal what the last audits found unsound in these stores (URLs; none: every store the catalogue knows).

    `manifests`: collections whose sources may be asked for contents. `findings`: what was found before, for the report.

    Every object is looked at again before anything is written, and nothing is ever overwritten or deleted. Raises UsageError for a
    store the catalogue does not know, StoreError where a store that is written to fails; running it again goes on.
    """
    collector = Collector(runner.finding)
    collector.extend(findings)
    with Catalogue.open(context.catalogue) as catalogue, context.scratch("repair") as scratch:
        kept = open_kept(context)
        opened, silent, faults = open_stores(context, catalogue, kept, collector, runner.workers)
        unknown = set(stores) - {row.url for row in catalogue.stores()}
        if unknown:
            raise UsageError(f"{', '.join(sorted(unknown))}: no store is known there; `strongroom status` lists those that are")
        results: list[StoreRepair] = []
        lost: set[str] = set()
        for number, one in enumerate(opened):
            if not stores or one.url in stores:
                others = (*(other.store for other in opened if other is not one), kept)
                arbiter, folder = Arbiter.at(context.home), scratch / str(number)
                run = _Run(one, others, Misplaced(catalogue, opened), catalogue, runner, collector, folder, manifests, lost, arbiter)
                results.append(run.go())
        unreachable = bool(silent & set(stores)) if stores else bool(faults)
    report = RepairReport(tuple(results), len(lost), collector.findings(), unreachable)
    runner.artifact("repair", "\n".join(["# Repair", "", *(f"* {line}" for line in report.summary())]) + "\n")
    return report


@dataclass(slots=True)
class _Run:
    target: Opened
    others: tuple[Store, ...]
    misplaced: Misplaced
    catalogue: Catalogue
    runner: Runner
    collector: Collector
    scratch: Path
    manifests: Sequence[CollectionManifest]
    lost: set[str]  # payload files, in every store so far
    arbiter: Arbiter
    withheld: Withheld | None = None
    raw: Store = field(init=False)  # the target, with what sweeps condemned
    sound: int = 0
    repaired: list[StoreKey] = field(default_factory=list)
    rescued: list[StoreKey] = field(default_factory=list)  # new packs, of what is left of those that cannot be made whole
    objects: list[str] = field(default_factory=list)  # for the events
    left: list[str] = field(default_factory=list)

    def go(self) -> StoreRepair:
        self.scratch.mkdir(parents=True)
        self.raw = self.target.store
        heeding = HeedingStore(self.raw)  # what a sweep condemned is neither counted on nor written again
        heed(heeding, self.catalogue, self.target.number, self.scratch, only_gone=True)
        self.target = replace(self.target, store=heeding)
        rows = [*unreadable(self.catalogue, self.target.number), *unsound(self.catalogue, self.target.number)]
        swept = {row.key for row in rows if heeding.condemned.is_deleted(row.key) and not generations(self.raw, row.key.base[0])}
        forget_checks(self.catalogue, self.target.number, swept)
        suspects = {row.key.base[0]: row for row in rows if row.key not in swept}
        large = {
            name.stored: key for key in suspects if (name := name_of(key)).stored is not None
        }
        for kind, digest in _damaged_objects(self.catalogue, self.target.number):
            large.setdefault((kind, digest), keys.stored(kind, digest))
        small = [row for key, row in suspects.items() if key not in large.values()]
        if large or small:
            # Seals and tag files first: they say which bags need what cannot be healed. What is derived from packs comes last.
            first = [row for row in small if name_of(row.key.base[0]).kind in _BAG]
            self._mend(sorted(first, key=_order))
            self._heal([(kind, digest) for kind, digest in large if digest is not None])
            self._mend(sorted((row for row in small if row not in first), key=_order))
            self._complete_logs()
            self._log()
        count = len(large) + len(small)
        return StoreRepair(self.target.url, count, self.sound, tuple(key.text for key in self.repaired), tuple(self.left),
                           tuple(key.text for key in self.rescued))

    # -- packs and large contents

    def _heal(self, objects: Sequence[tuple[str, Digest]]) -> None:
        if not objects:
            return
        withheld = self._withheld()
        elsewhere = self.misplaced.find(digest for _, digest in objects)
        batches = [
            HealBatch(self.target.store, self.others, tuple(objects[at : at + _AT_ONCE]), withheld, elsewhere)
            for at in range(0, len(objects), _AT_ONCE)
        ]
        left: list[Left] = []
        for result in self.runner.map("copy sound objects", heal_objects, batches):
            for healed in result.healed:
                self._healed(healed)
            left += result.left
            for kind, digest in result.unread:
                self.left.append(keys.stored(kind, digest).text)
                self._say_unread(keys.stored(kind, digest))
        if left:
            self._rebuild(left)

    def _withheld(self) -> Withheld:
        if self.withheld is None:
            # Who cannot read every tombstone does not know what must not be brought back, and stops.
            stores = [one.store if isinstance(one, AnsweringStore) else one for one in (self.raw, *self.others)]
            home = self.catalogue.home
            self.withheld = load_withheld(home, stores, self.scratch / "withheld", self.collector.add)
        return self.withheld

    def _rebuild(self, left: Sequence[Left]) -> None:
        gathering = Gathering(self.scratch / "gathering", self.runner, self.collector)
        try:
            stores = (self.raw, *self.others)  # what was condemned may be read while it is there
            for one in left:
                gathering.want([one.digest.raw] if one.kind == "content" else [m.digest.raw for m, sound in one.members if not sound])
            gathering.from_stores(stores)
            gathering.from_source(self.manifests, stores, self.catalogue.path)
            lost: list[bytes] = []
            batches = [
                RebuildBatch(self.target.store, gathering.staging, gathering.places, tuple(left[at : at + _AT_ONCE]))
                for at in range(0, len(left), _AT_ONCE)
            ]
            healed: set[tuple[str, Digest]] = set()
            for result in self.runner.map("rebuild from members", rebuild, batches):
                for made in result.healed:
                    self._healed(made)
                    healed.add((made.kind, made.digest))
                for written in result.written:
                    self._written(written)
                lost += result.lost
            self.left += [keys.stored(one.kind, one.digest).text for one in left if (one.kind, one.digest) not in healed]
            self._say_lost(gathering, lost, stores)
        finally:
            gathering.close()

    def _say_lost(self, gathering: Gathering, lost: Sequence[bytes], stores: Sequence[Store]) -> None:
        """Every payload file, of every bag of this store, whose content is nowhere. A content no bag needs is no loss."""
        gathering.still_lost(lost)
        if not gathering.missing():
            return
        for bag, path, digest in gathering.lost_files(stores):
            self.lost.add(f"{bag}: {path}")
            what = f"no sound copy of its content {digest} is within reach; attach another store that has it, or give --from-source"
            self.collector.add(Finding(Code.NOT_REPAIRED, f"{bag}: {path}", what))

    def _healed(self, one: Healed) -> None:
        number = self._known(one.kind, one.digest, one.size, one.contents, one.members)
        self.catalogue.mark_verified([number])
        self._checked(one.key, one.size, one.digest, one.source)
        if one.source is not None:
            self.objects.append(f"{'sha256' if one.kind == 'content' else 'pack'}:{one.digest}")

    def _written(self, written: Written) -> None:
        """A new pack, of what is left of one that is not whole any more."""
        number = self._known(written.kind, written.digest, written.size, written.contents, written.members)
        self.catalogue.mark_verified([number])
        self.rescued.append(keys.stored(written.kind, written.digest))

    def _known(self, kind: str, digest: Digest, size: int, contents: Sequence[tuple[bytes, int]], members: Digest | None) -> int:
        """The object's number, recorded in the scope in which its contents were known before."""
        scope = ""
        with self.catalogue.transaction() as db:
            for sha256, _ in contents[:1]:
                where = "SELECT scope FROM places WHERE store = ? AND sha256 = ? ORDER BY scope DESC LIMIT 1"
                row = db.execute(where, (self.target.number, sha256)).fetchone()
                scope = row[0] if row else ""
        return self.catalogue.record_object(
            self.target.number, kind, digest, size, scope=scope, contents=contents, verified=True, members=members)

    # -- small objects

    def _mend(self, rows: Sequence[CheckRow]) -> None:
        if not rows:
            return
        elsewhere = self.misplaced.find(Digest(row.expected) for row in rows if row.expected is not None and len(row.expected) == 64)
        mender = Mender(self.target.store, self.target.number, self.others, elsewhere, self.catalogue, self.scratch, self.arbiter)
        with self.runner.stage("tag files, seals, log", files=len(rows)) as progress:
            again: set[BagId] = set()
            for row in rows:
                name = name_of(row.key.base[0])
                if self._mend_one(mender, row) and name.bag and (name.kind is Kind.SEAL or "/bag/tagmanifest-" in name.base):
                    again.add(BagId.parse(name.bag))
                progress.advance(1)
            for bag in sorted(again):
                for row in mender.unseen(bag):
                    self._mend_one(mender, row)

    def _mend_one(self, mender: Mender, row: CheckRow) -> bool:
        """Whether sound bytes were written."""
        base = row.key.base[0]
        name = name_of(base)
        if name.kind is Kind.DESCRIPTION:  # it was read when the store was opened, so some generation is sound
            forget_checks(self.catalogue, self.target.number, [row.key])
            self.sound += 1
            return False
        mended = mender.mend(row)
        if mended is None:
            self.left.append(base.text)
            self._say_left(row, name.kind)
            return False
        self._checked(mended.key, mended.size, mended.digest, mended.source)
        if mended.source is None:
            return False
        self.objects += [name.bag] if name.bag else []
        self.objects.append(f"sha256:{mended.digest}")
        return True

    def _say_left(self, row: CheckRow, kind: Kind) -> None:
        place = f"{self.target.url}: {row.key.base[0]}"
        if row.outcome is CheckOutcome.UNREADABLE and kind is not Kind.CHECKS:
            self._say_unread(row.key.base[0])
        elif kind is Kind.CHECKS:
            self.collector.add(Finding(Code.COPY_DAMAGED, place, "results of an audit, of which there is one copy; no bag needs them"))
        else:
            self.collector.add(Finding(Code.NOT_REPAIRED, place, "no sound copy is within reach; attach another store that holds the bag"))

    def _say_unread(self, key: StoreKey) -> None:
        what = ("the store, which answers, cannot give it, and no other store within reach has it sound. Nothing is known to be lost: try "
                "another cable, reader or machine, see to its permissions, or attach another store that holds it")
        self.collector.add(Finding(Code.UNREADABLE, f"{self.target.url}: {key}", what))

    # -- what is remembered

    def _checked(self, at: StoreKey, size: int, digest: Digest, source: str | None) -> None:
        seq = last_seq(self.catalogue, self.target.number)
        row = CheckRow(at, seq, CheckOutcome.SOUND, utc_now(), size, digest.hex, digest.hex)
        record_checks(self.catalogue, self.target.number, [row])
        record_reading(self.catalogue, self.target.number, seq, [at])
        if source is None:
            self.sound += 1
            return
        self.repaired.append(at)
        self.collector.add(Finding(Code.REPAIRED, f"{self.target.url}: {at}", f"sound again, from {source}"))

    def _complete_logs(self) -> None:
        """A chain that lost its end unseen is made whole before it is continued, or it would go on differently in two stores."""
        allowed = frozenset(row.bag.name for row in self.catalogue.bags() if self.target.id in row.stores)
        for other in self.others:
            try:
                copy_logs([other], self.target.store, allowed)
            except StoreUnreachableError as error:
                self.collector.add(Finding(Code.STORE_SKIPPED, other.url, f"stopped answering: {error}"))

    def _log(self) -> None:
        rescued = [f"{'sha256' if key.text.startswith('content/') else 'pack'}:{name_of(key).digest}" for key in self.rescued]
        events = [
            Event(EventType.REPAIR, detail, (*things[at : at + _OBJECTS_AN_EVENT], f"store:{self.target.id}"))
            for detail, named in (("sound bytes written beside what was unsound, and read back", self.objects),
                                  ("made of what is left of packs that cannot be made whole, and read back", rescued))
            for things in [list(dict.fromkeys(named))]
            for at in range(0, len(things), _OBJECTS_AN_EVENT)
        ]
        if events:
            try:
                log.append(self.catalogue, self.target.store, self.target.number, self.target.id, events)
            except StoreError as error:  # the bytes are healed whatever becomes of this
                self.collector.add(Finding(Code.STORE_LIMIT, self.target.url, f"the repair could not be logged: {error}"))


def _damaged_objects(catalogue: Catalogue, store: int) -> list[tuple[str, Digest]]:
    """Packs and contents that some job met damaged or gone, audit or not."""
    with catalogue.transaction() as db:
        rows = db.execute("SELECT kind, digest FROM objects WHERE store = ? AND damaged ORDER BY kind, digest", (store,)).fetchall()
    return [(kind, Digest.from_bytes(digest)) for kind, digest in rows]


def _order(row: CheckRow) -> tuple[int, str]:
    kind = name_of(row.key).kind
    return (_ORDER.index(kind) if kind in _ORDER else len(_ORDER)), row.key.text

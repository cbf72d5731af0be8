"""The sweep of one store. The methods of StoreRun stand in the order in which they run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from strongroom.catalogue import Catalogue
from strongroom.catalogue.checks import forget_checks
from strongroom.core.condemning import Condemnation, Why
from strongroom.core.errors import LockedInStoreError, NotFoundInStoreError, StoreRefusedError
from strongroom.core.events import Event, EventType, utc_now
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId
from strongroom.core.keys import StoreKey, stored
from strongroom.core.plural import plural
from strongroom.runner.interface import Runner
from strongroom.stores.generations import exists
from strongroom.stores.heeding import HeedingStore
from strongroom.stores.interface import Store
from strongroom.usecases import log
from strongroom.usecases.audit.kinds import name_of
from strongroom.usecases.replicate.sink import Written
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sweep import grace, records
from strongroom.usecases.sweep.attempts import is_decided, open_attempts, parse_attempt, void
from strongroom.usecases.sweep.condemned import Condemned, read_condemned
from strongroom.usecases.sweep.heed import stored_at
from strongroom.usecases.sweep.looking import look
from strongroom.usecases.sweep.planning import Planner
from strongroom.usecases.sweep.records import Sweep
from strongroom.usecases.sweep.replacing import correct_placements, record_moved
from strongroom.usecases.sweep.report import StoreSweep
from strongroom.usecases.sweep.rescue import RescueJob, rescue
from strongroom.usecases.sweep.scratch import Scratch
from strongroom.usecases.tidying import tidy
from strongroom.usecases.withheld.tombstones import Withheld

_BATCHES: Final = 24
_OBJECTS_AN_EVENT: Final = 200


class StoreRun:
    """One run over one store; `number` is the store's in the catalogue."""

    def __init__(
        self, store: Store, store_id: str, number: int, catalogue: Catalogue, runner: Runner, folder: Path, collector: Collector,
        withheld: Withheld, *, grace_days: float, void_open: bool, dry_run: bool,
    ) -> None:
        self._store, self._id, self._number, self._catalogue, self._runner = store, store_id, number, catalogue, runner
        self._folder, self._findings, self._withheld = folder, collector, withheld
        self._grace, self._void_open, self._dry_run = grace_days, void_open, dry_run
        self._looks = 0
        self._condemned: dict[str, int] = {}
        self._bytes = self._deleted = self._deleted_bytes = self._kept = self._anew = self._in_grace = self._tidied = 0
        self._waits: dict[str, None] = {}
        self._locked: dict[str, str] = {}

    def run(self) -> StoreSweep:
        """Carry on what earlier sweeps began; then condemn, wait, read again, delete."""
        sweeps = records.read_sweeps(self._store)
        pending = [one for one in sweeps if one.is_pending]
        if not self._dry_run:
            ready = [one for one in pending if self._is_ready(one)]
            if ready:
                with self._look(sweeps) as scratch:
                    if scratch is not None:
                        for one in ready:
                            self._finish(one, scratch)
        self._begin(sweeps)
        if not self._dry_run:
            self._tidied = tidy(self._store)
        return StoreSweep(
            self._store.url, self._condemned, self._bytes, self._deleted, self._deleted_bytes, self._kept, self._anew, tuple(self._waits),
            self._locked, self._in_grace, self._tidied)

    # -- who is under way

    def _is_ready(self, sweep: Sweep) -> bool:
        """Whether nobody who was open when the record became durable may still make a bag."""
        if sweep.waits is None:
            now = [f"{bag}/{attempt}" for bag, attempt in open_attempts(self._store)]
            records.write_document(self._store, self._id, sweep, "waits", attempts=now)
        waits = [found for text in sweep.waits or () if (found := parse_attempt(text)) is not None]
        return not self._wait_for([one for one in waits if not is_decided(self._store, *one)])

    def _wait_for(self, attempts: Sequence[tuple[BagId, str]]) -> bool:
        """Whether any of the attempts must be waited for; those that are voided need not."""
        left = False
        known = {row.attempt for row in self._catalogue.bags()}
        for bag, attempt in attempts:
            place = f"{self._store.url}: bags/{bag}/{attempt}"
            if attempt in known:
                self._findings.add(Finding(Code.SWEEP_WAITS, place, f"a replica of {bag} is being brought, or was cut off; run "
                                           "`strongroom replicate`, then sweep again"))
            elif self._void_open and not self._dry_run:
                if void(self._store, bag) or is_decided(self._store, bag, attempt):
                    continue
            else:
                what = "is under way, or was cut off: wait for it, or run `strongroom archive` again, or give --void-open if nobody works"
                self._findings.add(Finding(Code.SWEEP_WAITS, place, f"{what} on it; then sweep again"))
            self._waits[f"{bag}/{attempt}"] = None
            left = True
        return left

    # -- what is there and what is needed

    def _look(self, sweeps: Sequence[Sweep]) -> _Looked:
        self._looks += 1
        folder = self._folder / f"look-{self._looks}"
        folder.mkdir(parents=True)
        scratch = Scratch(folder / "sweep.sqlite")
        findings = look(scratch, self._store, self._id, self._catalogue, self._runner, folder / "bags")
        self._findings.extend(findings)
        self._new_stones, self._in_grace = grace.settle(scratch, self._store, self._withheld, sweeps, self._grace)
        return _Looked(scratch, known=not findings)

    def _named(self) -> Condemned:
        return Condemned.load(self._store, self._folder)

    # -- the first step

    def _begin(self, sweeps: Sequence[Sweep]) -> None:
        under_way = open_attempts(self._store)
        with self._look(sweeps) as scratch:
            if scratch is None:
                return
            if under_way:  # what they have stored would be condemned, and stay so for good
                if not self._wait_for(under_way):
                    self._begin(sweeps)
                    return
                if not self._dry_run:
                    return
            named = self._named()
            planner = Planner(scratch, self._store, named, self._runner)
            planner.plan()
            self._findings.extend(planner.findings)
            pending = {line.key.text for one in sweeps if one.is_pending for _, line in read_condemned(self._store, "keys", one.seq)}
            lines = (line for line in _lines(scratch) if line[0].key.text not in pending)
            sweep = None if self._dry_run else self._write(lines, sweeps)
            if self._dry_run:
                for line, size in lines:
                    self._count(line.why, size)
        if sweep is not None and self._is_ready(sweep):
            with self._look([*sweeps, sweep]) as scratch:
                if scratch is not None:
                    self._finish(sweep, scratch)

    def _write(self, lines: Iterator[tuple[Condemnation, int]], sweeps: Sequence[Sweep]) -> Sweep | None:
        """The record of a new sweep, if there is anything to say: None if nothing is condemned."""
        first = next(lines, None)
        if first is None and not self._new_stones and not self._in_grace:
            return None
        sweep = records.begin(self._store, self._id, max((one.seq for one in sweeps), default=0))
        records.write_parts(self._store, sweep.seq, "seen", self._new_stones)
        if first is None:
            return None

        def counted() -> Iterator[Condemnation]:
            for line, size in (first, *lines):
                self._count(line.why, size)
                yield line

        records.condemn(self._store, self._id, sweep, counted())
        return sweep

    def _count(self, why: Why, size: int) -> None:
        self._condemned[why.value] = self._condemned.get(why.value, 0) + 1
        self._bytes += size

    # -- the second step

    def _finish(self, sweep: Sweep, scratch: Scratch) -> None:
        """Judge again what the record names, store anew what is needed of it, delete the rest."""
        named = [line for _, line in read_condemned(self._store, "keys", sweep.seq)]
        if len({line.key for line in named}) != sweep.documents["record"].get("keys"):
            self._findings.add(Finding(Code.SWEEP_KEPT, f"{self._store.url}: sweep/{sweep.seq:012d}", "its record is damaged, so nothing "
                                       "is deleted by it; what may go is condemned anew"))
            records.write_document(self._store, self._id, sweep, "done", ended=utc_now(), deleted=0, kept=len(named))
            return
        condemned = self._named()
        planner = Planner(scratch, self._store, condemned, self._runner)
        scratch.db.execute("DELETE FROM condemned")
        planner.confirm(named)
        going = {line.key.text: size for line, size in _lines(scratch)}
        self._rescue(planner, scratch, condemned, going)
        # Asked of the store, not of the look before: another sweeper who carries on the same record may have been first.
        kept = [line for line in named if line.key.text not in going and exists(self._store, line.key)]
        self._delete([(line, going[line.key.text]) for line in _in_order(named) if line.key.text in going])
        if any(key in going for key in self._locked):
            return
        self._kept += len(kept)
        self._forget(named, kept)
        records.write_parts(self._store, sweep.seq, "kept", (line.to_line() for line in kept))
        self._log(sweep, named, kept)
        records.write_document(self._store, self._id, sweep, "done", ended=utc_now(), deleted=len(named) - len(kept), kept=len(kept))

    def _rescue(self, planner: Planner, scratch: Scratch, condemned: Condemned, going: dict[str, int]) -> None:
        wanted = [(base, keep) for base, keep in sorted(planner.keep.items()) if any(StoreKey(key).base[0].text == base for key in going)]
        target = HeedingStore(self._store, condemned)
        size = max(1, -(-len(wanted) // _BATCHES))
        jobs = [RescueJob(self._store, target, tuple(wanted[at : at + size])) for at in range(0, len(wanted), size)]
        moved: dict[str, Sequence[Written]] = dict.fromkeys(_gone(scratch), ())
        for results in self._runner.map("store anew what bags need", rescue, jobs, files=len(wanted)) if jobs else ():
            for one in results:
                if one.gone:
                    moved.pop(one.base, None)  # who was first corrects the placements too
                else:
                    moved[one.base] = one.written
                self._anew += sum(written.size for written in one.written)
                record_moved(self._catalogue, self._number, one.base, one.written)
        correct_placements(scratch, target, moved)

    def _delete(self, lines: Sequence[tuple[Condemnation, int]]) -> None:
        versions = 0
        with self._runner.stage("delete", files=len(lines)) as progress:
            for line, size in lines:
                try:
                    versions += not self._store.erase(line.key)
                    self._deleted += 1
                    self._deleted_bytes += size
                except NotFoundInStoreError:
                    pass  # an earlier run, or another sweeper, was here
                except LockedInStoreError as error:
                    self._locked[line.key.text] = error.until
                    self._findings.add(Finding(Code.SWEEP_LOCKED, f"{self._store.url}: {line.key}", f"cannot be removed until "
                                               f"{error.until}; sweep again then"))
                except StoreRefusedError as error:
                    self._locked[line.key.text] = "deleting is allowed"
                    self._findings.add(Finding(Code.SWEEP_LOCKED, f"{self._store.url}: {line.key}", f"{error}; sweep again with "
                                               "credentials that may delete"))
                progress.advance(1, size)
        if versions:
            what = (
                f"{plural(versions, 'object was', 'objects were')} deleted, and the bucket does not let us remove "
                "their old versions: those bytes remain in it"
            )
            self._findings.add(Finding(Code.OLD_VERSIONS, self._store.url, what))

    def _forget(self, named: Sequence[Condemnation], kept: Sequence[Condemnation]) -> None:
        gone = {line.key for line in named} - {line.key for line in kept}
        forget_checks(self._catalogue, self._number, gone)
        there = {line.key.base[0] for line in kept}
        objects = {place for key in gone if key.base[0] not in there and (place := stored_at(key)) is not None}
        moved = {place for place in objects if next(self._store.list(stored(*place).text), None) is not None}  # a generation that stays
        self._catalogue.forget_objects(self._number, sorted(objects - moved))

    def _log(self, sweep: Sweep, named: Sequence[Condemnation], kept: Sequence[Condemnation]) -> None:
        stay = {line.key for line in kept}
        withheld = sorted({_object(line.key) for line in named if line.key not in stay and line.why is Why.WITHHELD} - {""})
        others = sorted({_object(line.key) for line in named if line.key not in stay and line.why is not Why.WITHHELD} - {""})
        detail = f"removed by the sweep {sweep.seq} of this store"
        events = [*_events(EventType.DEACCESSION, f"{detail}, with what was withheld", withheld, self._id),
                  *_events(EventType.DELETION, f"{detail}: needed by no bag, or damaged beside a sound copy", others, self._id)]
        if events:
            log.append(self._catalogue, self._store, self._number, self._id, events)


class _Looked:
    """A look at the store, as a context: the scratch database, or None where not all that is needed is known."""

    def __init__(self, scratch: Scratch, *, known: bool) -> None:
        self._scratch, self._known = scratch, known

    def __enter__(self) -> Scratch | None:
        return self._scratch if self._known else None

    def __exit__(self, *exc: object) -> None:
        self._scratch.close()


def _lines(scratch: Scratch) -> Iterator[tuple[Condemnation, int]]:
    for key, why, size in scratch.rows("SELECT key, why, size FROM condemned ORDER BY key"):
        yield Condemnation(StoreKey(key), Why(why)), size


def _gone(scratch: Scratch) -> Iterator[str]:
    """The packs and large contents of which every generation goes."""
    sql = ("SELECT DISTINCT t.base FROM condemned c JOIN things t ON t.key = c.key WHERE NOT EXISTS "
           "(SELECT 1 FROM things o WHERE o.base = t.base AND o.key NOT IN (SELECT key FROM condemned))")
    return (base for (base,) in scratch.rows(sql) if stored_at(StoreKey(base)) is not None)


def _in_order(lines: Sequence[Condemnation]) -> list[Condemnation]:
    """The marks of attempts last: while anything of one is there, it can be told what it is of."""
    return sorted(lines, key=lambda line: (line.key.base[0].text.endswith("/open"), line.key))


def _object(key: StoreKey) -> str:
    """How an event names what a key is of; "" for what goes with another."""
    place = stored_at(key)
    if place is not None:
        return f"{'sha256' if place[0] == 'content' else 'pack'}:{place[1]}"
    attempt = name_of(key).attempt
    return f"attempt:{attempt}" if attempt else ""


def _events(kind: EventType, detail: str, objects: Sequence[str], store_id: str) -> Iterator[Event]:
    for at in range(0, len(objects), _OBJECTS_AN_EVENT):
        yield Event(kind, detail, (*objects[at : at + _OBJECTS_AN_EVENT], f"store:{store_id}"))

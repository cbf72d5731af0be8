"""Status from the catalogue and the collection manifests; no store is opened unless asked for."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from strongroom.catalogue import BagRow, Catalogue, CollectionRow, StoreRow
from strongroom.catalogue.checks import count_cold, count_unreadable, count_unsound
from strongroom.catalogue.keeping import last_found, last_retained
from strongroom.catalogue.reads import Reads, last_audited, reads
from strongroom.catalogue.runs import RunRow, last_runs
from strongroom.catalogue.withheld import withheld_contents
from strongroom.collections.model import CollectionManifest, StoreRef
from strongroom.core.errors import StoreError, UsageError
from strongroom.core.events import parse_utc
from strongroom.core.findings import Code, Finding
from strongroom.core.plural import plural
from strongroom.signing import Keyring
from strongroom.usecases.context import Context
from strongroom.usecases.found import look_at_place
from strongroom.usecases.policies import Policies
from strongroom.usecases.report.words import headline
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import Known, known_bags
from strongroom.usecases.sealed.lost import lost_catalogue
from strongroom.usecases.status import overdue
from strongroom.usecases.status.manifests import all_manifests
from strongroom.usecases.status.overdue import Clock
from strongroom.usecases.status.report import CollectionStatus, Replica, StatusReport, StoreStatus

_OFF_CATALOGUE = (
    "this is what the catalogue of this installation knows: it does not know what others did since, nor which bytes went bad since they "
    "were last read"
)
_NOTHING_READ = Reads(0, 0, 0, 0, None)


def status(context: Context, *, ask: bool = False, now: datetime | None = None) -> StatusReport:
    """How everything stands `now` (default: the present). `ask`: find out, too, which stores answer at this moment.

    Errors are: damage, forks, bags that lie nowhere, whatever is overdue, a catalogue that was lost, objects that could not be read, and,
    with `ask`, a store that does not answer and is not `offline`.
    """
    with ExitStack() as stack:
        catalogue = stack.enter_context(Catalogue.open(context.catalogue)) if context.has_catalogue() else None
        known, clock = known_bags(context), Clock(now or datetime.now(UTC))
        return _Look(known, catalogue, clock, ask, _signing(Keyring(context.home)), lost_catalogue(context, known)).report()


def _signing(keyring: Keyring) -> str:
    """Who signs the bags that this installation makes."""
    try:
        key = keyring.signing_key()
        if key is None:
            return "no key signs the bags made here; `strongroom keys new` makes one"
        if keyring.trust().revocations(key):
            return f"the key that signs here, {key.fingerprint}, was revoked; `strongroom keys new` makes another"
    except UsageError as error:
        return f"no bag can be signed here: {error}"
    return f"the key {key.fingerprint} signs the bags made here"


@dataclass(slots=True)
class _Look:
    known: Known
    catalogue: Catalogue | None  # None: nothing was ever done here
    clock: Clock
    ask: bool
    signing: str
    lost: Finding | None
    collector: Collector = field(default_factory=Collector)
    seen: dict[tuple[str, int, str], Reads] = field(default_factory=dict)
    described: dict[str, CollectionRow] = field(init=False)
    withheld: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.withheld = withheld_contents(self.catalogue) if self.catalogue else {}
        self.described = {row.name: row for row in self.known.collections}

    def report(self) -> StatusReport:
        self.collector.extend([self.lost] if self.lost else [])
        manifests = all_manifests(self.known, self.collector)
        stores = tuple(self._store(row, Policies(tuple(manifests.values()))) for row in self.known.stores)
        names = sorted(set(self.described) | {row.bag.name for row in self.known.rows} | set(manifests))
        runs = last_runs(self.catalogue, "archive") if self.catalogue else {}
        bags: dict[str, list[BagRow]] = {name: [] for name in names}
        for row in self.known.rows:
            bags[row.bag.name].append(row)
        collections = tuple(self._collection(name, bags[name], manifests.get(name), runs) for name in names)
        return StatusReport(collections, stores, self.collector.findings(), (_OFF_CATALOGUE, self.signing))

    # -- stores

    def _store(self, row: StoreRow, policies: Policies) -> StoreStatus:
        number = self._number(row.id)
        bad = count_unsound(self.catalogue, number) if self.catalogue else 0
        if bad:
            what = (f"{plural(bad, 'object was', 'objects were')} damaged or missing when last looked at; `strongroom repair` heals "
                    "what it can and names the rest")
            self.collector.add(Finding(Code.OBJECT_DAMAGED, row.url, what))
        unread = count_unreadable(self.catalogue, number) if self.catalogue else 0
        if unread:
            what = (f"{plural(unread, 'object')} could not be read when last asked for, though the store answered; `strongroom repair` "
                    "writes sound bytes beside where another store has them, and `strongroom audit` looks again")
            self.collector.add(Finding(Code.UNREADABLE, row.url, what))
        reachable, problem = self._answers(row, policies) if self.ask else (None, None)
        bags = sum(1 for bag in self.known.rows if row.id in bag.stores)
        audited = last_audited(self.catalogue, number) if self.catalogue else None
        retention, retained = policies.retention(row.id, row.url), last_retained(self.catalogue, number) if self.catalogue else None
        held = [bag.sealed for bag in self.known.rows if row.id in bag.stores]
        late = overdue.locks_overdue(retention, retained, min(held, default=None), self.clock)
        if late and not policies.is_offline(row.id, row.url):
            self.collector.add(Finding(Code.OVERDUE, row.url, late))
        return StoreStatus(
            row.id, row.url, row.seen, reachable, problem, bags, audited, bad, unread,
            count_cold(self.catalogue, number) if self.catalogue else 0, last_found(self.catalogue, number) if self.catalogue else None,
            policies.options(row.id, row.url, 1).storage_class, retention, retained,
        )

    def _answers(self, row: StoreRow, policies: Policies) -> tuple[bool, str | None]:
        from strongroom.usecases.sealed.places import open_address  # noqa: PLC0415 -- boto3, and only when asked

        try:
            store = open_address(self.known.address(row.id, row.url), patient=False)
        except StoreError as error:
            code = Code.STORE_ABSENT if policies.is_offline(row.id, row.url) else Code.UNREACHABLE
            self.collector.add(Finding(code, row.url, str(error)))
            return False, str(error)
        if self.catalogue is not None:
            look_at_place(self.catalogue, store, self._number(row.id))
        return True, None

    def _number(self, store_id: str) -> int:
        return self.catalogue.store_number(store_id) if self.catalogue else 0

    # -- collections

    def _collection(
        self, name: str, rows: list[BagRow], manifest: CollectionManifest | None, runs: Mapping[str, RunRow]
    ) -> CollectionStatus:
        described = self.described.get(name)
        last_archive = described.last_archive if described else None
        self._forks(name, rows)
        self._last_run(name, runs.get(name))
        late = overdue.archive_overdue(manifest, last_archive, self.clock) if manifest else None
        if late:
            self.collector.add(Finding(Code.OVERDUE, name, late))
        latest = rows[-1] if rows else None
        if latest is not None and not latest.stores:
            self.collector.add(Finding(Code.CONTENT_MISSING, str(latest.bag), "no store is known to hold this bag"))
        here = latest.stores if latest else ()
        earlier = {store for row in rows for store in row.stores}
        schedule = manifest.schedule if manifest else None
        expressions = {"archive": schedule.archive, "audit": schedule.audit, "timezone": schedule.timezone} if schedule else {}
        return CollectionStatus(
            name, str(manifest.file) if manifest else described.manifest if described else None, manifest.mode if manifest else None,
            {key: value for key, value in expressions.items() if value}, last_archive, described.last_outcome if described else None,
            tuple(sorted({row.bag.version for row in rows})), str(latest.bag) if latest else None, latest.files if latest else 0,
            latest.bytes if latest else 0, here, tuple(sorted(earlier - set(here))), tuple(self._replicas(manifest, rows)),
            (late,) if late else (), self.withheld.get(name, 0),
        )

    def _forks(self, name: str, rows: list[BagRow]) -> None:
        seals: dict[int, list[str]] = {}
        for row in rows:
            seals.setdefault(row.bag.version, []).append(row.seal.hex)
        for version, digests in seals.items():
            if len(digests) > 1:
                what = f"different bags were sealed under this label: {', '.join(sorted(digests))}"
                self.collector.add(Finding(Code.FORKED, f"{name}/v{version}", what))

    def _last_run(self, name: str, run: RunRow | None) -> None:
        if run is not None and run.exit_status != 0 and run.ended is not None:
            said = next(iter(run.summary.get("lines", ())), "")
            more = f"`strongroom report --since {run.started}` says more"
            what = f"the last run, at {run.started}: {headline(run)}: {said.rstrip('.')}. {more}"
            self.collector.add(Finding(Code.RUN_FAILED, name, what))

    def _replicas(self, manifest: CollectionManifest | None, rows: list[BagRow]) -> list[Replica]:
        """One for each store of the collection manifest; without one, for each store that holds a bag."""
        stores = {row.id: row for row in self.known.stores}
        if manifest is None:
            held = sorted({store for row in rows for store in row.stores if store in stores})
            return [self._replica(None, StoreRef(stores[one].url), stores[one], rows) for one in held]
        return [self._replica(manifest, reference, self._row(reference), rows) for reference in manifest.stores]

    def _row(self, reference: StoreRef) -> StoreRow | None:
        """The store that is meant, or of several the one last seen."""
        return max((row for row in self.known.stores if reference.names(row.id, row.url)), key=lambda row: row.seen, default=None)

    def _replica(self, manifest: CollectionManifest | None, reference: StoreRef, store: StoreRow | None, rows: list[BagRow]) -> Replica:
        name = rows[0].bag.name if rows else manifest.name if manifest else ""
        held = [row for row in rows if store is not None and store.id in row.stores]
        lacking = [(str(row.bag), row.sealed) for row in rows if store is None or store.id not in row.stores] if manifest else []
        seen = store.seen if store else None
        days = overdue.max_age_days(manifest, reference)
        read = self._reads(store, days, seen if reference.offline else None) if held else _NOTHING_READ
        audited = last_audited(self.catalogue, self._number(store.id), name) if store and self.catalogue else None
        reasons = [overdue.reading_overdue(read, days)]
        if manifest and reference.offline:
            reasons.append(overdue.absence_overdue(reference, seen, min((row.sealed for row in rows), default=None), self.clock))
        elif manifest:
            reasons.append(overdue.audit_overdue(manifest, audited, min((row.sealed for row in held), default=None), self.clock))
        found = tuple(reason for reason in reasons if reason)
        for reason in found:
            self.collector.add(Finding(Code.OVERDUE, str(reference), reason))
        late = overdue.lacking_overdue(manifest, reference, lacking, self.clock) if manifest else None
        if late:
            self.collector.add(Finding(Code.OVERDUE, f"{name} in {reference}", late))
            found += (late,)
        return Replica(
            reference.url, store.id if store else None, reference.offline, seen, len(held), tuple(bag for bag, _ in lacking), audited, days,
            read.bytes, read.recent, read.never, read.oldest, found,
        )

    def _reads(self, store: StoreRow | None, days: int, seen: str | None) -> Reads:
        """A store that is usually absent is judged as of when it was last there: what was read late enough then is not late now."""
        if store is None or self.catalogue is None:
            return _NOTHING_READ
        key = (store.id, days, seen or "")
        if key not in self.seen:
            there = parse_utc(seen or "")
            # The audit itself sees the store when it begins, and reads until later.
            judged = self.clock.now if there is None else min(self.clock.now, there + timedelta(minutes=1))
            self.seen[key] = reads(self.catalogue, self._number(store.id), days, now=self.clock.now, judged=judged)
        return self.seen[key]

"""Withholding contents, or lifting that: what is meant is found, said, and then written down in tombstones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from strongroom.catalogue import Catalogue
from strongroom.catalogue.withheld import forget_withheld, note_withheld
from strongroom.core.digests import Digest
from strongroom.core.errors import StoreError, UsageError
from strongroom.core.events import AGENT, Event, EventType
from strongroom.core.findings import Code, Finding
from strongroom.core.tombstone import Action
from strongroom.runner.interface import Runner
from strongroom.signing import Keyring, Signer, Trust
from strongroom.stores.interface import Store
from strongroom.usecases import log
from strongroom.usecases.context import Context
from strongroom.usecases.replicate.keep import drop_spool, open_kept
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import Known, known_bags
from strongroom.usecases.sealed.places import open_address
from strongroom.usecases.withheld.choosing import Choice
from strongroom.usecases.withheld.copying import copy_tombstones
from strongroom.usecases.withheld.loading import believed
from strongroom.usecases.withheld.locks import find_locked
from strongroom.usecases.withheld.memory import memory_of
from strongroom.usecases.withheld.request import Locked, Plan, WithholdReport, WithholdRequest
from strongroom.usecases.withheld.stones import put_stone, read_stones
from strongroom.usecases.withheld.tombstones import Withheld
from strongroom.usecases.withheld.writing import make_stone

_OBJECTS_AN_EVENT: Final = 200


@dataclass(frozen=True, slots=True)
class _Attached:
    store: Store
    id: str
    names: frozenset[str]  # the collections that have bags there


def withhold(request: WithholdRequest, context: Context, runner: Runner, agree: Callable[[Plan], bool]) -> WithholdReport:
    """Withhold what is meant, if `agree` says so to the plan, or lift that.

    Raises UsageError (nothing of the kind is known, no passphrase for the key), StoreError where a store fails while it is written to:
    the tombstones are kept at home by then, and the same command, or `due`, goes on.
    """
    if request.name is None and not request.digests:
        raise UsageError("say what is meant: NAME, NAME/vN, --path or --digest")
    collector = Collector(runner.finding)
    signer = Keyring(context.home).signer()
    if signer is not None:
        signer.unlock()  # before anything is asked or written
    known = known_bags(context)
    with context.scratch("withhold") as scratch:
        kept = open_kept(context)
        attached, waiting = _attach(known, collector)
        stores = [kept, *(one.store for one in attached)]
        trust = believed(context.home, stores)
        choice = Choice(scratch, known, kept, collector)
        try:
            withheld = Withheld.load(stores, trust, scratch / "withheld", collector.add, memory_of(context.home))
            choice.choose(request, runner)
            already = choice.drop(lambda raw: (raw in withheld) == (request.action is Action.WITHHOLD))
            count, size = choice.db.execute("SELECT count(*), coalesce(sum(size), 0) FROM content").fetchone()
            plan = Plan(request.action, count, size, already, choice.bags(asked=True), choice.bags(asked=False))
            if not count or not agree(plan):
                return WithholdReport(plan, not count, findings=collector.findings())
            run = _Run(request, context, runner, collector, choice, stores, trust, signer)
            run.write()
            reached = run.bring(attached, known)
            locked = run.locked(attached) if request.action is Action.WITHHOLD else ()
        finally:
            choice.close()
    return WithholdReport(plan, True, reached, waiting, collector.findings(), locked)


def _attach(known: Known, collector: Collector) -> tuple[list[_Attached], tuple[str, ...]]:
    """Every store the catalogue knows that answers, and the URLs of the others."""
    attached, waiting = [], []
    for row in known.stores:
        try:
            store = open_address(known.address(row.id, row.url), patient=False)
        except StoreError as error:
            collector.add(Finding(Code.STORE_ABSENT, row.url, f"could not be asked: {error}"))
            waiting.append(row.url)
        else:
            names = frozenset(bag.bag.name for bag in known.rows if row.id in bag.stores)
            attached.append(_Attached(store, row.id, names))
    return attached, tuple(waiting)


@dataclass(slots=True)
class _Run:
    request: WithholdRequest
    context: Context
    runner: Runner
    collector: Collector
    choice: Choice
    stores: list[Store]  # home first
    trust: Trust
    signer: Signer | None

    def write(self) -> None:
        """Make the tombstones, at home. From here on nothing brings the contents back here."""
        request = self.request
        agents = (AGENT, *request.agents)
        with self.runner.stage("write tombstones") as progress:
            for content, size in self._contents():
                before = [stone for store in self.stores for stone in read_stones(store, lambda _: None, content)]
                files = self.choice.files_of(content)
                put_stone(self.stores[0], make_stone(before, content, request.action, request.reason, agents, files, self.signer, size))
                progress.advance(1)

    def bring(self, attached: list[_Attached], known: Known) -> tuple[str, ...]:
        """Bring them to every store, and tell its log. The URLs of the stores."""
        labels = self.choice.labels()
        for row in known.rows:
            if row.bag in labels:
                drop_spool(self.context, row.seal)  # contents that wait for a store, and may be among those
        reached = []
        with Catalogue.open(self.context.catalogue) as catalogue, self.runner.stage("bring them to the stores") as progress:
            if self.request.action is Action.WITHHOLD:
                note_withheld(catalogue, self.choice.counts())
            else:
                forget_withheld(catalogue, (content.raw for content, _ in self._contents()))
            for one in attached:
                copy_tombstones(self.stores, one.store, one.names, self.trust, self.collector)
                there = tuple(str(row.bag) for row in known.rows if row.bag in labels and one.id in row.stores)
                number = catalogue.see_store(one.id, one.store.url)
                log.append(catalogue, one.store, number, one.id, list(self._events(there, one.id)))
                reached.append(one.store.url)
                progress.advance(1)
        return tuple(reached)

    def locked(self, attached: list[_Attached]) -> tuple[Locked, ...]:
        """What the stores do not let a sweep remove yet."""
        with Catalogue.open(self.context.catalogue) as catalogue, self.runner.stage("ask for locks") as progress:
            found = (
                find_locked(one.store, catalogue, catalogue.store_number(one.id), (content for content, _ in self._contents()),
                            self.collector, progress)
                for one in attached
            )
            return tuple(chain.from_iterable(found))

    def _events(self, bags: tuple[str, ...], store: str) -> Iterator[Event]:
        verb = "withheld" if self.request.action is Action.WITHHOLD else "not withheld any more"
        contents = (f"sha256:{content}" for content, _ in self._contents())
        while some := list(islice(contents, _OBJECTS_AN_EVENT)):
            objects = (*bags[:_OBJECTS_AN_EVENT], *some, f"store:{store}")
            detail = f"{verb}: {self.request.reason}"
            yield Event(EventType.DEACCESSION, detail, objects, agents=(AGENT, *self.request.agents))

    def _contents(self) -> Iterator[tuple[Digest, int | None]]:
        for sha, size in self.choice.db.cursor().execute("SELECT sha, size FROM content ORDER BY sha"):
            yield Digest.from_bytes(sha), size

"""A verification of the log: every byte of the logs and seals of some stores, and whether they agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from strongroom.catalogue import Catalogue
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, StoreError, StoreUnreachableError, UsageError, WrongStoreError
from strongroom.core.findings import Code, Finding
from strongroom.core.plural import sentence
from strongroom.runner.interface import Runner
from strongroom.signing import Keyring
from strongroom.stores.describe import read_description
from strongroom.stores.interface import Store
from strongroom.stores.open import parse_url
from strongroom.usecases.context import Context
from strongroom.usecases.history import seals
from strongroom.usecases.history.chains import Chain
from strongroom.usecases.history.losses import Losses
from strongroom.usecases.history.memory import remember
from strongroom.usecases.history.report import LogReport, StoreRead
from strongroom.usecases.history.scratch import Scratch
from strongroom.usecases.history.signatures import Signatures
from strongroom.usecases.history.survey import jobs, read, weigh
from strongroom.usecases.policies import Policies
from strongroom.usecases.replicate.keep import open_kept
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import Address, known_bags
from strongroom.usecases.sealed.places import open_address
from strongroom.usecases.signatures.store_keys import trust_in


def verify_logs(stores: Sequence[str], context: Context, runner: Runner) -> LogReport:
    """Whether the logs and seals of these stores (URLs; none: those the catalogue knows) agree, with one another and in themselves.

    Nothing is written into a store. What this machine remembers of them is a witness too, if it remembers anything. Raises UsageError
    if no store is known. A store that does not answer is a finding.
    """
    collector = Collector(runner.finding)
    with Catalogue.open(context.catalogue) as catalogue, context.scratch("log") as folder, Scratch(folder / "log.sqlite") as scratch:
        run = _Run(context, catalogue, runner, collector, scratch, folder)
        for address in addresses(stores, context):
            run.open(address)
        run.read(open_kept(context))
        run.judge()
    report = LogReport(tuple(run.done), collector.findings())
    runner.artifact("log", report.markdown())
    return report


def addresses(stores: Sequence[str], context: Context) -> list[Address]:
    """Where these stores lie, each once; all known ones for none. Raises UsageError if none is known."""
    known = known_bags(context)
    if not stores:
        found = [known.address(store.id, store.url) for store in known.stores]
        if not found:
            raise UsageError("no store is known here yet: archive something first, or say --store URL")
        return found
    ids: dict[str, list[str]] = {}
    for store in known.stores:
        ids.setdefault(parse_url(store.url).url, []).append(store.id)
    urls = dict.fromkeys(parse_url(url).url for url in stores)
    # Where several take turns, the one that is there is meant.
    return [known.address(ids[url][0], url) if len(ids.get(url, ())) == 1 else Address(url) for url in urls]


@dataclass(slots=True)
class _Opened:
    store: Store
    id: str
    done: StoreRead


class _Run:
    """The methods stand in the order in which they run."""

    def __init__(
        self, context: Context, catalogue: Catalogue, runner: Runner, collector: Collector, scratch: Scratch, folder: Path,
    ) -> None:
        self._catalogue, self._runner, self._collector, self._scratch = catalogue, runner, collector, scratch
        self._keyring, self._folder = Keyring(context.home), folder
        self._policies = Policies.known(context)
        self._stores: list[_Opened] = []
        self._names: dict[int, str] = {}
        self._all: dict[int, Store] = {}
        self.done: list[StoreRead] = []

    def open(self, address: Address) -> None:
        """Open a store. One that cannot say which one it is is not judged: it might be another."""
        done = StoreRead(address.url, address.id)
        self.done.append(done)
        try:
            open_address(address, patient=False)  # one that is down says so at once
            store = open_address(address, options=self._policies.options(address.id, address.url, self._runner.workers))
            done.id = read_description(store).id
        except (DamagedInStoreError, InvalidValueError) as error:
            done.problem = str(error)
            self._collector.add(Finding(Code.OBJECT_DAMAGED, address.url, f"{sentence(error)} Its log was not read"))
        except StoreError as error:
            self._away(address, done, error)
        else:
            self._stores.append(_Opened(store, done.id, done))

    def _away(self, address: Address, done: StoreRead, error: StoreError) -> None:
        done.problem = str(error)
        away = isinstance(error, WrongStoreError | StoreUnreachableError)
        if away and self._policies.is_offline(address.id, address.url):
            self._collector.add(Finding(Code.STORE_ABSENT, address.url, f"not attached, and marked `offline`: {error}"))
        else:
            self._collector.add(Finding(Code.UNREACHABLE, address.url, f"{sentence(error)} Nothing is said of it"))

    def read(self, kept: Store) -> None:
        """Every log batch and seal, of the stores and of what is kept at home, into the scratch database."""
        for number, one in enumerate(self._stores):
            self._names[number], self._all[number] = one.store.url, one.store
            try:
                self._read(one.store, number, one.done)
                remember(self._scratch, self._catalogue, one.id)
            except (StoreUnreachableError, WrongStoreError) as error:
                self._stopped(one, error)
        number = len(self._stores)
        self._names[number], self._all[number] = "what is kept at home", kept
        self._read(kept, number, StoreRead(kept.url, None))

    def _read(self, store: Store, number: int, done: StoreRead) -> None:
        with self._runner.stage(f"list {self._names[number]}"):
            trust = trust_in(self._keyring, [store])
            work = list(jobs(store, number, trust))
        signatures = Signatures(self._folder / f"signatures-{number}.sqlite", store.url, trust)
        for found in self._runner.map(f"read the log and seals of {self._names[number]}", read, work, weigh=weigh) if work else ():
            for table in ("batches", "seals", "heads", "takings"):
                self._scratch.add(table, getattr(found, table))
            signatures.add(found.signed)
            done.batches += len(found.batches)
            done.seals += len(found.seals)
            done.bytes += found.size
        if number < len(self._stores):  # what is kept at home is no store
            signatures.say(self._collector.add)
        signatures.close()
        done.writers = self._scratch.one("SELECT count(DISTINCT writer) FROM batches WHERE store = ?", number)

    def _stopped(self, one: _Opened, error: StoreError) -> None:
        one.done.problem = str(error)
        self._collector.add(Finding(Code.UNREACHABLE, one.store.url, f"stopped answering: {sentence(error)} What was read of it counts "
                                    "as said by it, and nothing is called missing there"))

    def judge(self) -> None:
        say = self._collector.add
        with self._runner.stage("compare"):
            seals.pass_over(self._scratch, self._names, say)
            seals.doubt_seals(self._scratch)
            writers = self._scratch.db.execute("SELECT writer FROM batches UNION SELECT writer FROM remembered ORDER BY 1").fetchall()
            for (writer,) in writers:
                Chain(self._scratch, writer, self._all, self._names, say).judge()
            for number, one in enumerate(self._stores):
                if one.done.problem is None:
                    try:
                        Losses(self._scratch, one.store, number, one.id, self._names, say).judge()
                    except (StoreUnreachableError, WrongStoreError) as error:
                        self._stopped(one, error)
            seals.say_forks(self._scratch, self._names, say)
            seals.say_elsewhere(self._scratch, [one.id for one in self._stores if one.done.problem is None], say)


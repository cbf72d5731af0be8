"""The rebuild of a catalogue from one or several stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from strongroom.catalogue import Catalogue
from strongroom.catalogue.relearn import put_collection
from strongroom.collections import CollectionManifest
from strongroom.core.errors import UsageError
from strongroom.core.findings import Code, Finding
from strongroom.runner.interface import Runner
from strongroom.signing import Keyring
from strongroom.stores.describe import open_known_store, read_description
from strongroom.stores.interface import Store
from strongroom.stores.open import StoreOptions, parse_url
from strongroom.usecases.context import Context
from strongroom.usecases.found import look_at_place
from strongroom.usecases.rebuild.one_store import StoreRebuild
from strongroom.usecases.rebuild.place import fresh, put_in_place, refuse_sound
from strongroom.usecases.rebuild.report import RebuildReport, StoreRebuilt
from strongroom.usecases.replicate.keep import open_kept
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import Known
from strongroom.usecases.signatures.settling import Arbiter, passed_over
from strongroom.usecases.status.manifests import all_manifests
from strongroom.usecases.withheld.copying import copy_tombstones
from strongroom.usecases.withheld.learning import learn_withheld
from strongroom.usecases.withheld.loading import believed


@dataclass(frozen=True, slots=True)
class RebuildRequest:
    stores: tuple[str, ...]  # URLs
    deep: bool = False  # read all that is stored, not the indexes alone
    replace: bool = False  # a catalogue with which nothing is wrong, too

    def __post_init__(self) -> None:
        if not self.stores:
            raise UsageError("name the stores to learn from: --store URL")


def rebuild(request: RebuildRequest, context: Context, runner: Runner) -> RebuildReport:
    """Make the catalogue again from these stores. The new one is put in place when it is complete, and not before.

    Damaged bags, forks and the like are findings; what can be learned is learned. Raises UsageError where there is a sound catalogue,
    StoreError if a store cannot be opened or stops answering (then nothing was changed).
    """
    if not request.replace:
        refuse_sound(context.catalogue)
    collector = Collector(runner.finding)
    manifests = all_manifests(Known(), collector)
    opened: dict[str, Store] = {}
    for url in request.stores:
        store = _open(url, manifests)
        opened.setdefault(read_description(store).id, store)
    with context.scratch("rebuild") as scratch, fresh(context.catalogue, scratch) as new:
        with Catalogue.open(new) as catalogue:
            stores = _learn(request, opened, catalogue, runner, scratch, collector, manifests, Keyring(context.home))
            bags = catalogue.bags()
        kept = put_in_place(new, context.catalogue)
        trust = believed(context.home, opened.values())
        copy_tombstones(list(opened.values()), open_kept(context), None, trust, collector)
        learn_withheld(context, runner)
    names = {row.bag.name for row in bags}
    report = RebuildReport(
        str(context.catalogue), None if kept is None else str(kept), request.deep, len(names), len(bags), stores, collector.findings())
    runner.artifact("rebuild", report.markdown())
    return report


def _learn(
    request: RebuildRequest, opened: Mapping[str, Store], catalogue: Catalogue, runner: Runner, scratch: Path, collector: Collector,
    manifests: Mapping[str, CollectionManifest], keyring: Keyring,
) -> tuple[StoreRebuilt, ...]:
    archived: dict[str, str] = {}  # by collection, when the log last tells of a new bag
    stores = []
    for number, (store_id, store) in enumerate(opened.items()):
        runner.say(f"learning {store.url}")
        one = StoreRebuild(store, store_id, catalogue, runner, scratch / str(number), collector, archived, keyring, deep=request.deep)
        stores.append(one.run())
        look_at_place(catalogue, store, catalogue.store_number(store_id))
    _find_forks(catalogue, opened, keyring, collector)
    rows = catalogue.bags()
    for row in rows:
        archived[row.bag.name] = max(archived.get(row.bag.name, ""), row.sealed)
    for name in sorted({row.bag.name for row in rows}):
        manifest = manifests.get(name)
        put_collection(catalogue, name, None if manifest is None else str(manifest.file), archived[name])
    return tuple(stores)


def _open(url: str, manifests: Mapping[str, CollectionManifest]) -> Store:
    """As a collection manifest at hand says how to reach it, or by the usual means."""
    wanted = parse_url(url).url
    options = StoreOptions()
    for manifest in manifests.values():
        for reference in manifest.stores:
            if parse_url(reference.url).url == wanted:
                options = StoreOptions(
                    endpoint_url=reference.endpoint_url, region=reference.region,
                    request_checksum_calculation=reference.checksum_mode)
    return open_known_store(url, None, options)


def _find_forks(catalogue: Catalogue, opened: Mapping[str, Store], keyring: Keyring, collector: Collector) -> None:
    """Different seals under one label in different stores; those within one store were found when it was read."""
    arbiter = Arbiter.of(keyring)
    for label, some in groupby(catalogue.bags(), key=lambda row: row.bag):
        seals = {row.seal: row.stores for row in some}
        if len(seals) < 2 or len(set(seals.values())) < 2:
            continue
        chosen = arbiter.choose(label, {seal: [opened[one] for one in stores] for seal, stores in seals.items()})
        if chosen is None:
            what = f"different bags were sealed under this label: {', '.join(sorted(one.hex for one in seals))}; all are kept"
            collector.add(Finding(Code.FORKED, str(label), what))
            continue
        collector.add(passed_over(str(label), chosen, seals.keys() - {chosen}, void=False))
        for seal, store in [(seal, store) for seal, stores in seals.items() for store in stores if seal != chosen]:
            catalogue.forget_bag(seal, catalogue.store_number(store))

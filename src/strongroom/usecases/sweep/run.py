"""A sweep of one or several stores, from beginning to end."""

from __future__ import annotations

from collections.abc import Sequence

from strongroom.catalogue import Catalogue
from strongroom.core.errors import StoreUnreachableError, UsageError, WrongStoreError
from strongroom.core.findings import Code, Finding
from strongroom.runner.interface import Runner
from strongroom.stores.describe import read_description
from strongroom.stores.interface import Store
from strongroom.usecases.context import Context
from strongroom.usecases.locks import locked
from strongroom.usecases.policies import Policies
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import Address, known_bags
from strongroom.usecases.sealed.places import open_address
from strongroom.usecases.sweep.one_store import StoreRun
from strongroom.usecases.sweep.report import StoreSweep, SweepReport
from strongroom.usecases.withheld.loading import load_withheld

#: Days for which what is withheld stays in the stores, if nothing else is said.
GRACE_DAYS = 30.0


def sweep(
    context: Context, runner: Runner, *, stores: Sequence[str] = (), grace_days: float = GRACE_DAYS, void_open: bool = False,
    dry_run: bool = False,
) -> SweepReport:
    """Remove from these stores (URLs; none: every one the catalogue knows) what no sealed bag needs, and what was withheld so long ago.

    In two steps (docs/format.md, section 15): what waits is carried on by running it again. `void_open`: take the numbers of attempts
    that are open out of use instead of waiting for them. Raises UsageError if no store is known; whatever stops it, running it again
    goes on.
    """
    collector = Collector(runner.finding)
    policies = Policies.known(context)
    results: list[StoreSweep] = []
    unreachable = False
    with Catalogue.open(context.catalogue) as catalogue, context.scratch("sweep") as scratch:
        opened: list[tuple[Store, str, int]] = []
        for address in _addresses(context, stores):
            try:
                store = open_address(address, options=policies.options(address.id, address.url, runner.workers))
                store_id = read_description(store).id
            except (StoreUnreachableError, WrongStoreError) as error:
                absent = not stores and policies.is_offline(address.id, address.url)
                collector.add(Finding(Code.STORE_ABSENT if absent else Code.STORE_SKIPPED, address.url, f"not swept: {error}"))
                unreachable |= not absent
                continue
            opened.append((store, store_id, catalogue.see_store(store_id, address.url)))
        withheld = load_withheld(context.home, [store for store, _, _ in opened], scratch / "withheld", collector.add)
        for store, store_id, number in opened:
            runner.say(f"sweeping {store.url}")
            # Two machines that sweep one store harm nobody, and do each other's work again.
            with locked(context.catalogue, f"sweep-{store_id}.lock", f"another run is sweeping {store.url} now; wait for it to end"):
                run = StoreRun(store, store_id, number, catalogue, runner, scratch / str(number), collector, withheld,
                               grace_days=grace_days, void_open=void_open, dry_run=dry_run)
                results.append(run.run())
    report = SweepReport(tuple(results), collector.findings(), dry_run, unreachable)
    runner.artifact("sweep", "\n".join(["# Sweep", "", *(f"* {line}" for line in report.summary())]) + "\n")
    return report


def _addresses(context: Context, stores: Sequence[str]) -> list[Address]:
    known = known_bags(context)
    by_url = {row.url: known.address(row.id, row.url) for row in known.stores}
    found = [by_url.get(url, Address(url)) for url in stores] if stores else list(by_url.values())
    if not found:
        raise UsageError("no store is known here yet: archive something first, or say --store URL")
    return found

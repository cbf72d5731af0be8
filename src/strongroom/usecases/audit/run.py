"""An audit of one or several stores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from strongroom.catalogue import Catalogue, StoreRow
from strongroom.catalogue.checks import CheckRow, last_seq, record_checks
from strongroom.collections.model import AuditPolicy
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, StoreError, StoreUnreachableError, UsageError, WrongStoreError
from strongroom.core.events import utc_now
from strongroom.core.findings import Code, Finding
from strongroom.core.keys import DESCRIPTION
from strongroom.core.outcomes import CheckOutcome
from strongroom.core.plural import sentence
from strongroom.runner.interface import Runner
from strongroom.signing import Keyring
from strongroom.stores.describe import read_description
from strongroom.stores.open import parse_url
from strongroom.usecases.audit.one_store import StoreRun
from strongroom.usecases.audit.report import AuditReport, StoreAudit
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.context import Context
from strongroom.usecases.found import look_at_place
from strongroom.usecases.policies import EARLY, Policies
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import Address, Known, known_bags
from strongroom.usecases.sealed.places import open_address

_AWAY: Final = (WrongStoreError, StoreUnreachableError)


def audit(request: AuditRequest, context: Context, runner: Runner) -> AuditReport:
    """Read what the stores hold, or with `quick` only compare listings, and say what is sound, damaged, missing, out of place.

    Each store within the limits that the collection manifests set it, where the request sets none and does not ask for everything.

    Raises UsageError if no store is known, or no such bag. A store that does not answer is a finding, not an exception: the others are
    audited, and what is known of it stays as it was.
    """
    collector = Collector(runner.finding)
    policies = Policies.known(context)
    collector.extend(policies.findings)
    audits = []
    addresses = _addresses(request, known_bags(context))
    with Catalogue.open(context.catalogue) as catalogue:
        for address in addresses:
            with context.scratch("audit") as folder:
                audits.append(_store(request, address, policies, catalogue, runner, folder, collector, Keyring(context.home)))
    notes = ("no byte was read: this says nothing about bytes that changed without the size changing",) if request.quick else ()
    mode = "quick" if request.quick else "full"
    report = AuditReport(mode, request.scope, request.max_age_days, tuple(audits), collector.findings(), notes)
    runner.artifact("audit", report.markdown())
    return report


def _addresses(request: AuditRequest, known: Known) -> list[Address]:
    rows = [row for row in known.rows if request.name in (None, row.bag.name) and request.version in (None, row.bag.version)]
    if request.stores:
        ids: dict[str, list[StoreRow]] = {}
        for store in known.stores:
            ids.setdefault(parse_url(store.url).url, []).append(store)
        given = {parse_url(url).url: url for url in request.stores}
        # Where several take turns, the one that is there is meant.
        return [known.address(ids[url][0].id, ids[url][0].url) if len(ids.get(url, ())) == 1 else Address(typed)
                for url, typed in given.items()]
    if request.name is not None and not rows:
        raise UsageError(f"no bag {request.scope} is known here; `strongroom list` shows those that are, --store URL says where to look")
    found = known.addresses(rows) if request.name is not None else [known.address(store.id, store.url) for store in known.stores]
    if not found:
        raise UsageError("no store is known here yet: archive something first, or say --store URL")
    return found


def _store(
    request: AuditRequest, address: Address, policies: Policies, catalogue: Catalogue, runner: Runner, folder: Path, collector: Collector,
    keyring: Keyring,
) -> StoreAudit:
    runner.say(f"auditing {address.url}")
    options = policies.options(address.id, address.url, runner.workers)
    try:
        open_address(address, patient=False, options=options)  # one that is down says so at once
        store = open_address(address, options=options)
        store_id = read_description(store).id
    except (DamagedInStoreError, InvalidValueError) as error:
        return _nameless(address, catalogue, collector, str(error))
    except StoreError as error:
        if not request.stores and isinstance(error, _AWAY) and policies.is_offline(address.id, address.url):
            collector.add(Finding(Code.STORE_ABSENT, address.url, f"not attached, and marked `offline`: {error}"))
            return _unread(address, str(error))
        what = f"{sentence(error)} Nothing is known to be missing for that; what is known stays as it was"
        collector.add(Finding(Code.UNREACHABLE, address.url, what))
        return _unread(address, str(error))
    number = catalogue.see_store(store_id, address.url)
    look_at_place(catalogue, store, number)
    within = request if request.everything else _within(request, policies.audit(store_id, address.url))
    return StoreRun(within, store, store_id, number, catalogue, runner, folder, collector, keyring).run()


def _within(request: AuditRequest, policy: AuditPolicy) -> AuditRequest:
    """The request with the limits of the policy where it sets none itself."""
    age = policy.max_age_days
    return replace(
        request, max_bytes=request.max_bytes or policy.max_bytes, max_minutes=request.max_minutes or policy.max_minutes,
        max_age_days=request.max_age_days or age, reread_days=age * EARLY if age and request.max_age_days is None else None,
    )


def _nameless(address: Address, catalogue: Catalogue, collector: Collector, problem: str) -> StoreAudit:
    """A store whose strongroom.json is damaged: it answers, but cannot prove which store it is, so nothing else in it is judged."""
    collector.add(Finding(
        Code.OBJECT_DAMAGED, f"{address.url}: {DESCRIPTION}",
        f"{problem}. Nothing else was audited: a store that cannot say which one it is might be another. Put a copy of it back first"))
    if address.id is not None:
        number = catalogue.see_store(address.id, address.url)
        row = CheckRow(DESCRIPTION, last_seq(catalogue, number), CheckOutcome.DAMAGED, utc_now(), None, None, None)
        record_checks(catalogue, number, [row])
    return _unread(address, problem)


def _unread(address: Address, problem: str) -> StoreAudit:
    return StoreAudit(address.url, address.id, False, problem, None, {}, 0, 0, 0, 0, 0, None, 0, None)

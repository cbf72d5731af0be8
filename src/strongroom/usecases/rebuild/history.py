"""What a store tells of the past: the results of audits below checks/, and the log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from strongroom.catalogue import Catalogue
from strongroom.catalogue.checks import AuditRow, record_checks
from strongroom.catalogue.relearn import put_audit
from strongroom.core.batch import LIMIT, parse_batch, parse_key
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, NotFoundInStoreError
from strongroom.core.events import EventType, parse_utc
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId, check_id
from strongroom.core.keys import StoreKey
from strongroom.stores.generations import read_all
from strongroom.stores.interface import Store
from strongroom.usecases.audit.kinds import Kind, name_of
from strongroom.usecases.audit.published import far_out, read_results
from strongroom.usecases.sealed.collector import Collector


@dataclass(slots=True)
class Audits:
    """How many audits and results were learned."""

    audits: int = 0
    checks: int = 0


def learn_audits(catalogue: Catalogue, store: Store, store_id: str, number: int, collector: Collector) -> Audits:
    """Take in every result that lies in the store, oldest first, so that the next audit goes on where the last one stopped."""
    learned = Audits()
    rounds: dict[str, AuditRow] = {}  # by scope, the last audit
    last = 0
    for stat in store.list("checks/"):
        if name_of(stat.key).kind is not Kind.CHECKS:
            continue
        problem = far_out(last, stat.key)
        found = read_results(store, stat.key, store_id) if problem is None else None
        if found is None:
            what = problem or "makes no sense as results of an audit; what it says counts as never read"
            collector.add(Finding(Code.OBJECT_DAMAGED, f"{store.url}: {stat.key}", what))
            continue
        audit = _audit(found[0], rounds)
        record_checks(catalogue, number, found[1], published=True)
        put_audit(catalogue, number, audit)
        rounds[audit.scope] = audit
        learned.checks += len(found[1])
        learned.audits += audit.seq != last
        last = audit.seq
    return learned


def _audit(document: dict[str, Any], rounds: dict[str, AuditRow]) -> AuditRow:
    """The audit that a document is of. One that did not complete its round is followed by audits of the same round."""
    seq, scope = document["seq"], document["scope"] or ""
    last = rounds.get(scope)
    goes_on = last is not None and (last.seq == seq or not last.complete)
    began, ended, complete = (document[name] for name in ("began", "ended", "complete"))
    return AuditRow(seq, scope, last.round if last is not None and goes_on else seq, began, ended, complete)


@dataclass(frozen=True, slots=True)
class LogJob:
    store: Store
    writers: tuple[str, ...]


@dataclass(slots=True)
class LogResult:
    """`archived`: by collection, the time (UTC) of the last ingestion that the log tells of."""

    batches: int = 0
    archived: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def read_logs(job: LogJob) -> LogResult:
    """Read these chains from their beginnings. Raises StoreUnreachableError."""
    result, collector = LogResult(), Collector()
    for writer in job.writers:
        _read_chain(job.store, writer, result, collector)
    result.findings = collector.findings()
    return result


def _read_chain(store: Store, writer: str, result: LogResult, collector: Collector) -> None:
    before: tuple[int, set[str]] = (0, set())  # number, and digests of what lies there in any generation
    for seq, keys in _numbered(store, writer):
        digests: set[str] = set()
        follows = False
        for key in keys:
            try:
                data = read_all(store, key, LIMIT)
                batch = parse_batch(data, key)
            except (InvalidValueError, DamagedInStoreError, NotFoundInStoreError):
                continue
            _take(batch["events"], result)
            digests.add(Digest.of(data).hex)
            previous = batch["previous"]
            # Of a batch before it that makes no sense this one is not accused.
            follows |= previous is None if seq == 1 else seq == before[0] + 1 and (previous in before[1] or not before[1])
        result.batches += 1
        if not digests:
            collector.add(Finding(Code.OBJECT_DAMAGED, f"{store.url}: {keys[0]}", "makes no sense as a batch of the log"))
        elif not follows:
            collector.add(Finding(Code.OBJECT_DAMAGED, f"{store.url}: {keys[0]}", "does not follow on the batch before it in the log"))
        before = (seq, digests)


def _numbered(store: Store, writer: str) -> Iterator[tuple[int, list[StoreKey]]]:
    """The batches of a chain in order, each with its generations."""
    at, keys = 0, list[StoreKey]()
    for stat in store.list(f"log/{check_id(writer)}/"):
        named = parse_key(stat.key)
        if named is None:
            continue
        if keys and named[1] != at:
            yield at, keys
            keys = []
        at = named[1]
        keys.append(stat.key)
    if keys:
        yield at, keys


def _take(events: list[dict[str, Any]], result: LogResult) -> None:
    for event in events:
        time = event.get("eventDateTime")
        if event.get("eventType") == EventType.INGESTION and isinstance(time, str) and parse_utc(time) is not None:
            for name in _collections(event.get("linkingObjectIdentifier")):
                result.archived[name] = max(time, result.archived.get(name, ""))


def _collections(objects: object) -> Iterator[str]:
    for text in objects if isinstance(objects, list) else ():
        try:
            yield BagId.parse(str(text)).name
        except InvalidValueError:
            continue

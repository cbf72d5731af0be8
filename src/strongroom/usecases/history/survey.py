"""Reading every byte of the logs and seals of a store, in worker processes. Nothing is judged here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from strongroom.core import keys
from strongroom.core.batch import LIMIT, parse_batch, parse_key
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, NotFoundInStoreError
from strongroom.core.events import EventType, Outcome
from strongroom.core.ids import BagId, check_collection_name
from strongroom.core.keys import StoreKey
from strongroom.core.seal import Void, parse_seal
from strongroom.signing import Standing, Trust
from strongroom.stores.generations import generations, read_all
from strongroom.stores.interface import Store
from strongroom.usecases.rebuild.signed import SignedSeal
from strongroom.usecases.sealed.seals import SEAL_LIMIT, FoundSeal, find_versions
from strongroom.usecases.signatures.seals import judge_seal

_AT_ONCE: Final = 500
#: Seals whose word counts for nothing.
_DOUBTFUL: Final = frozenset({Standing.BROKEN, Standing.REVOKED})
#: What ties an event to the bag that a store took.
_TAKES: Final = frozenset({EventType.INGESTION.value, EventType.REPLICATION.value})


@dataclass(frozen=True, slots=True)
class Job:
    """Objects of one store (`number`) to be read: log batches, and labels whose seals are."""

    store: Store
    number: int
    trust: Trust
    batches: tuple[StoreKey, ...] = ()
    labels: tuple[BagId, ...] = ()


@dataclass(slots=True)
class Read:
    """Rows for the tables of the scratch database."""

    batches: list[tuple[Any, ...]] = field(default_factory=list)
    seals: list[tuple[Any, ...]] = field(default_factory=list)
    heads: list[tuple[Any, ...]] = field(default_factory=list)
    takings: list[tuple[Any, ...]] = field(default_factory=list)
    signed: list[tuple[Any, ...]] = field(default_factory=list)  # for Signatures
    size: int = 0  # bytes


def jobs(store: Store, number: int, trust: Trust) -> Iterator[Job]:
    """What there is to read in a store. Raises StoreUnreachableError."""
    some: list[StoreKey] = []
    for stat in store.list("log/"):
        if parse_key(stat.key) is not None:
            some.append(stat.key)
        if len(some) == _AT_ONCE:
            yield Job(store, number, trust, batches=tuple(some))
            some = []
    if some:
        yield Job(store, number, trust, batches=tuple(some))
    labels: list[BagId] = []
    for name in store.list_folders("bags/"):
        try:
            check_collection_name(name)
        except InvalidValueError:
            continue  # a stranger's folder
        labels += [BagId(name, version) for version in find_versions(store, name)]
    for at in range(0, len(labels), _AT_ONCE):
        yield Job(store, number, trust, labels=tuple(labels[at : at + _AT_ONCE]))


def read(job: Job) -> Read:
    """Raises StoreUnreachableError."""
    found = Read()
    for key in job.batches:
        _read_batch(job, key, found)
    for label in job.labels:
        for key in generations(job.store, keys.seal(label)):
            _read_seal(job, label, key, found)
    return found


def weigh(found: Read) -> tuple[int, int]:
    return len(found.batches) + len(found.seals), found.size


def _read_batch(job: Job, key: StoreKey, found: Read) -> None:
    named = parse_key(key)
    assert named is not None
    row = (job.number, *named, key.text)
    try:
        data = read_all(job.store, key, LIMIT)
        batch = parse_batch(data, key)
    except NotFoundInStoreError:
        return  # a damaged generation that was swept meanwhile; a batch that should be there is looked for again
    except (InvalidValueError, DamagedInStoreError):
        found.batches.append((*row, None, None, None, ""))
        return
    digest = Digest.of(data).hex
    found.size += len(data)
    names: set[str] = set()
    for event in batch["events"]:
        objects = event["linkingObjectIdentifier"]
        names |= {text.partition("/")[0] for text in objects if "/" in text}
        taken = _taking(event)
        if taken is not None and taken[0] == batch["store"]:
            found.takings.append((*taken, digest))
    found.batches.append((*row, digest, batch["previous"], batch["store"], " ".join(sorted(names))))


def _taking(event: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """Store, label and digest of the seal, if the event says that a store took a bag (docs/format.md, 7.1)."""
    if event["eventType"] not in _TAKES or event["eventOutcome"] == Outcome.FAIL.value:
        return None
    bags, seals, stores = [], [], []
    for text in event["linkingObjectIdentifier"]:
        kind, _, rest = text.partition(":")
        if kind == "sha256":
            seals.append(rest)
        elif kind == "store":
            stores.append(rest)
        elif "/" in text:
            bags.append(text)
    return (stores[0], bags[0], seals[0]) if len(bags) == len(seals) == len(stores) == 1 else None


def _read_seal(job: Job, label: BagId, key: StoreKey, found: Read) -> None:
    row = (job.number, str(label), key.text)
    try:
        data = read_all(job.store, key, SEAL_LIMIT)
        seal = parse_seal(data, what=str(key))
    except NotFoundInStoreError:
        return
    except (InvalidValueError, DamagedInStoreError):
        found.seals.append((*row, None))
        return
    found.size += len(data)
    digest = Digest.of(data).hex
    before = (None, None) if seal.previous is None else (str(seal.previous.bag), seal.previous.seal.hex)
    if seal.bag != label:
        found.seals.append((*row, None))
    elif isinstance(seal, Void):
        found.seals.append((*row, digest, None, None, *before))
    else:
        signature = judge_seal(job.store, seal, data, job.trust)
        standing = signature.judgement.standing
        doubtful = f"its signature is {standing.value}" if standing in _DOUBTFUL else None
        found.seals.append((*row, digest, seal.attempt, seal.store, *before, doubtful, standing is Standing.TRUSTED))
        signed = SignedSeal(FoundSeal(label, key, Digest(digest), seal), standing.value, signature.finding())
        found.signed.append(signed.row())
        found.heads += [(writer, head.seq, head.sha256.hex, digest, seal.store, str(label)) for writer, head in seal.log.items()]

"""What a store says of itself, read in worker processes: seals, the tag manifests they name, placements, new log batches.

Nothing is judged here: these are the witnesses by which objects are judged when they are read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from strongroom.core import canonical, keys
from strongroom.core.bag.manifest import ManifestEntry, manifest_name, parse_manifest_lines
from strongroom.core.bag.problems import Problem
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, NotFoundInStoreError
from strongroom.core.keys import StoreKey
from strongroom.core.placement import PLACEMENT_LIMIT, parse_place
from strongroom.core.seal import Seal, parse_seal
from strongroom.database import read_only
from strongroom.signing import Trust
from strongroom.stores.generations import read_all
from strongroom.stores.interface import Store
from strongroom.usecases.audit.kinds import name_of
from strongroom.usecases.audit.shapes import wrong_shape
from strongroom.usecases.sealed.seals import SEAL_LIMIT, TAG_MANIFEST_LIMIT
from strongroom.usecases.signatures.seals import Signature, judge_seal

_LOG_LIMIT: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class SurveyJob:
    store: Store
    store_id: str
    scratch: Path
    keys: tuple[str, ...]  # of seals, placements and log batches
    trust: Trust


@dataclass(frozen=True, slots=True)
class SealFacts:
    key: str
    bag: str
    digest: str
    attempt: str | None
    previous_bag: str | None
    previous: str | None
    signer: str | None = None  # fingerprint, as the seal says it
    signature: Signature | None = None


@dataclass(slots=True)
class Survey:
    seals: list[SealFacts] = field(default_factory=list)
    wanted: list[tuple[str, str, str]] = field(default_factory=list)  # (base, "sha256:HEX", key of the seal that says so)
    placed: list[tuple[str, str]] = field(default_factory=list)  # (bag, base)
    #: base, key, SHA-256 found, that of the batch before, the store the chain began in, what is wrong
    logs: list[tuple[str, str, str, str | None, str | None, str | None]] = field(default_factory=list)


def survey(job: SurveyJob) -> Survey:
    """Read each key. What does not parse is left out: it is judged when it is its turn. Raises StoreUnreachableError."""
    return _Surveyor(job).run()


class _Surveyor:
    def __init__(self, job: SurveyJob) -> None:
        self._store, self._job = job.store, job
        self._result = Survey()

    def run(self) -> Survey:
        self._scratch: sqlite3.Connection = read_only(self._job.scratch)
        try:
            for key in self._job.keys:
                if key.startswith("log/"):
                    self._log(key)
                elif "/placement.jsonl" in key:
                    self._placement(key)
                else:
                    self._seal(key)
        finally:
            self._scratch.close()
        return self._result

    def _seal(self, key: str) -> None:
        data = self._read(key, SEAL_LIMIT)
        try:
            seal = parse_seal(data or b"", what=key)
        except InvalidValueError:
            return
        bag, digest = str(seal.bag), Digest.of(data or b"").hex
        if bag != name_of(StoreKey(key)).bag:
            return
        previous_bag, previous = (str(seal.previous.bag), seal.previous.seal.hex) if seal.previous else (None, None)
        if not isinstance(seal, Seal):
            self._result.seals.append(SealFacts(key, bag, digest, None, previous_bag, previous))
            return
        for head_writer, head in seal.log.items():
            self._result.wanted.append((keys.log_batch(head_writer, head.seq).text, f"sha256:{head.sha256}", key))
        self._tag_files(key, seal)
        signature = judge_seal(self._store, seal, data or b"", self._job.trust)
        signer = None if seal.signer is None else seal.signer.hex
        self._result.seals.append(SealFacts(key, bag, digest, seal.attempt, previous_bag, previous, signer, signature))

    def _tag_files(self, key: str, seal: Seal) -> None:
        """Note what every tag file must be."""
        told = False
        for name, digest in sorted(seal.tag_manifests.items(), key=lambda item: item[0] != "tagmanifest-sha256.txt"):
            base = keys.tag_file(seal.bag, seal.attempt, name).text
            kind = manifest_name(name)
            data = next((data for data in self._copies(base, TAG_MANIFEST_LIMIT) if Digest.of(data) == digest), None)
            self._result.wanted.append((base, f"sha256:{digest}", key))
            if data is None or kind is None or told:
                continue
            told = True
            for entry in _entries(data, kind[1]):
                try:
                    path = keys.tag_file(seal.bag, seal.attempt, entry.path).text
                except InvalidValueError:
                    continue  # no key of a store: written so by whoever sealed it, which restore and verify say
                self._result.wanted.append((path, f"{kind[1]}:{entry.digest}", key))

    def _placement(self, key: str) -> None:
        name = name_of(StoreKey(key))
        for line in (self._read(key, PLACEMENT_LIMIT) or b"").splitlines():
            try:
                value = canonical.loads(line, what=key)
                base = keys.stored(*parse_place(value))
            except InvalidValueError:
                continue
            self._result.placed.append((name.bag or "", base.text))

    def _log(self, key: str) -> None:
        data = self._read(key, _LOG_LIMIT)
        if data is None:
            return
        name = name_of(StoreKey(key))
        problem = wrong_shape(name, data, self._job.store_id)
        says = {} if problem else canonical.loads(data, what=key)
        self._result.logs.append((name.base, key, Digest.of(data).hex, says.get("previous"), says.get("store"), problem))

    def _copies(self, base: str, limit: int) -> Iterator[bytes]:
        for key in self._generations(base):
            data = self._read(key, limit)
            if data is not None:
                yield data

    def _generations(self, base: str) -> list[str]:
        """The generations that were listed; or the key itself, which may have been written since."""
        found = [key for (key,) in self._scratch.execute("SELECT key FROM things WHERE base = ? ORDER BY key", (base,))]
        return found or [base]

    def _read(self, key: str, limit: int) -> bytes | None:
        try:
            return read_all(self._store, StoreKey(key), limit)
        except (NotFoundInStoreError, DamagedInStoreError):
            return None


def _entries(data: bytes, algorithm: str) -> Iterator[ManifestEntry]:
    return (item for item in parse_manifest_lines([data], algorithm=algorithm) if not isinstance(item, Problem))

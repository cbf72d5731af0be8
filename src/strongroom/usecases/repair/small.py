"""Healing small objects: tag files, seals, marks, the log, indexes, placements, README.txt, recover.py."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from strongroom.catalogue import Catalogue
from strongroom.catalogue.checks import CheckRow
from strongroom.core import canonical, keys
from strongroom.core.batch import parse_batch
from strongroom.core.digests import Digest
from strongroom.core.errors import (
    DamagedBagError,
    DamagedInStoreError,
    InvalidValueError,
    NotFoundInStoreError,
    RefusedError,
    StoreUnreachableError,
    UsageError,
)
from strongroom.core.ids import BagId
from strongroom.core.keys import StoreKey
from strongroom.core.outcomes import CheckOutcome
from strongroom.core.pack import format_index
from strongroom.core.seal import Seal, parse_seal
from strongroom.stores.describe import text_for_people
from strongroom.stores.generations import find_generation, first_good, holds, put_or_generation, read_all, read_verified
from strongroom.stores.interface import Store
from strongroom.usecases.archive.attempt import placement_lines
from strongroom.usecases.audit.kinds import Kind, Named, name_of
from strongroom.usecases.repair.healing import members_by_headers
from strongroom.usecases.repair.misplaced import Whereabouts
from strongroom.usecases.replicate.holdings import chosen
from strongroom.usecases.replicate.transfer import load_contents
from strongroom.usecases.restore.plan import Plan
from strongroom.usecases.sealed.bag import open_bag
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.places import Places, Target
from strongroom.usecases.sealed.seals import SEAL_LIMIT, read_seals
from strongroom.usecases.signatures.choosing import signature_check
from strongroom.usecases.signatures.settling import Arbiter
from strongroom.usecases.signatures.store_keys import check_key_object
from strongroom.usecases.streams import PIECE
from strongroom.usecases.withheld.stones import check_tombstone_object

_LIMIT: Final = 1 << 30  # tag files of very large bags; read one at a time


@dataclass(frozen=True, slots=True)
class Mended:
    """Where the bytes lie now, and where they came from (None: they were sound when looked at again)."""

    key: StoreKey
    digest: Digest
    size: int
    source: str | None


class Mender:
    """Heals small objects of one store, number `number` in the catalogue, from `sources` and from where they are `misplaced`."""

    def __init__(
        self, store: Store, number: int, sources: Sequence[Store], misplaced: Mapping[Digest, Whereabouts], catalogue: Catalogue,
        scratch: Path, arbiter: Arbiter,
    ) -> None:
        self._store, self._number, self._sources, self._misplaced = store, number, sources, misplaced
        self._catalogue, self._scratch, self._arbiter = catalogue, scratch, arbiter

    def mend(self, row: CheckRow) -> Mended | None:
        """Look again, then write sound bytes as the next generation. None if there are none within reach. Raises StoreError."""
        base = row.key.base[0]
        name = name_of(base)
        expected = row.expected if row.expected is not None and len(row.expected) == 64 else self._listed(base, name)
        if expected is not None:
            return self._by_digest(base, Digest(expected), name)
        possible = self._judge(base, name)

        def good(data: bytes) -> bool:
            """What makes sense may be damaged all the same: never the bytes that the audit met and rejected."""
            return possible(data) and Digest.of(data).hex != row.found

        for store in (self._store, *self._sources):
            data = first_good([store], base, good, _LIMIT)
            if data is not None:
                return self._write(base, data, None if store is self._store else store.url)
        data = self._derive(base, name)
        return None if data is None else self._write(base, data, "what it describes")

    def _by_digest(self, base: StoreKey, digest: Digest, name: Named) -> Mended | None:
        try:
            at = find_generation(self._store, base, digest, uncached=True)
            return Mended(at, digest, self._store.head(at).size, None)
        except (DamagedInStoreError, NotFoundInStoreError):
            pass
        for source in self._sources:
            try:
                return self._write(base, read_verified(source, base, digest, _LIMIT), source.url)
            except (NotFoundInStoreError, DamagedInStoreError, StoreUnreachableError):
                continue
        for source, key in self._misplaced.get(digest, ()):
            with suppress(NotFoundInStoreError, DamagedInStoreError, StoreUnreachableError):
                data = read_all(source, key, _LIMIT)
                if Digest.of(data) == digest:
                    return self._write(base, data, f"{source.url}, where it lay at {key}")
        derived = self._derive(base, name)
        return None if derived is None else self._write(base, derived, "what it describes")

    def _write(self, base: StoreKey, data: bytes, source: str | None) -> Mended | None:
        digest = Digest.of(data)
        at = put_or_generation(self._store, base, data, digest)
        return Mended(at, digest, len(data), source) if holds(self._store, at, digest, uncached=True) else None

    def unseen(self, bag: BagId) -> list[CheckRow]:
        """The tag files of a bag that this store has not got sound, as an audit would say: while its seal or a tag manifest was damaged,
        no audit could tell what they should hold."""
        return [
            CheckRow(key, 0, CheckOutcome.DAMAGED, "", None, expected, None)
            for key, expected in self._tag_files(bag) if not self._has(key, Digest(expected))
        ]

    def _listed(self, base: StoreKey, name: Named) -> str | None:
        """The SHA-256 that a tag file should have, by any store's copy of its bag's tag manifests."""
        if name.kind is not Kind.TAG or name.bag is None:
            return None
        return next((expected for key, expected in self._tag_files(BagId.parse(name.bag)) if key == base), None)

    def _tag_files(self, bag: BagId) -> Iterator[tuple[StoreKey, str]]:
        """Each tag file of the bags under this label that is sound in some store, with its SHA-256."""
        folder = self._scratch / f"bag-{bag.name}-{bag.version}"
        folder.mkdir(parents=True, exist_ok=True)
        stores = [self._store, *self._sources]
        for digest in {found.digest for store in stores for found in read_seals(store, bag).found}:
            try:
                sealed = open_bag(Target(bag, digest, Places([], Collector(), stores)), folder, Collector())
            except (DamagedBagError, RefusedError, UsageError):
                continue
            for path in sealed.tag_files:
                file = sealed.tag_file(path)
                if file is not None:
                    with file.open("rb") as opened:
                        yield keys.tag_file(bag, sealed.seal.attempt, path), hashlib.file_digest(opened, "sha256").hexdigest()

    def _has(self, key: StoreKey, digest: Digest) -> bool:
        try:
            find_generation(self._store, key, digest)
        except (DamagedInStoreError, NotFoundInStoreError):
            return False
        return True

    # -- where no digest is known

    def _judge(self, base: StoreKey, name: Named) -> Callable[[bytes], bool]:
        """Whether some bytes can be what should lie at the key."""
        if name.kind is Kind.SEAL and name.bag:
            wanted = self._chosen(BagId.parse(name.bag)) or {row.seal for row in self._catalogue.bags() if str(row.bag) == name.bag}
            return lambda data: self._is_seal(data, base) and (not wanted or Digest.of(data) in wanted)
        if name.kind is Kind.LOG:
            return lambda data: _parses(lambda: parse_batch(data, base))
        if name.kind is Kind.MARK:
            return lambda data: _parses(lambda: _mark(data, base))
        if name.kind is Kind.SIGNATURE and name.bag:
            return self._signature_check(BagId.parse(name.bag), name.attempt)
        if name.kind is Kind.KEY:
            return lambda data: _parses(lambda: check_key_object(base.text, data))
        if name.kind is Kind.TOMBSTONE:
            return lambda data: _parses(lambda: check_tombstone_object(base, data))
        return lambda data: False

    def _signature_check(self, bag: BagId, attempt: str | None) -> Callable[[bytes], bool]:
        stores = [self._store, *self._sources]
        for store in stores:
            for found in read_seals(store, bag).found:
                if found.seal.attempt == attempt:
                    return signature_check(stores, found.seal, read_verified(store, keys.seal(bag), found.digest, SEAL_LIMIT))
        return lambda data: False

    def _chosen(self, bag: BagId) -> set[Digest]:
        """The seal that a trusted signature makes the bag where the stores have several; else none."""
        holders: dict[Digest, list[Store]] = {}
        for store in (self._store, *self._sources):
            with suppress(StoreUnreachableError):
                for found in read_seals(store, bag).found:
                    holders.setdefault(found.digest, []).append(store)
        chosen = self._arbiter.choose(bag, holders) if len(holders) > 1 else None
        return {chosen} if chosen else set()

    def _is_seal(self, data: bytes, base: StoreKey) -> bool:
        try:
            seal = parse_seal(data, what=str(base))
        except InvalidValueError:
            return False
        return isinstance(seal, Seal) and keys.seal(seal.bag) == base

    # -- what follows from other objects of this store

    def _derive(self, base: StoreKey, name: Named) -> bytes | None:
        try:
            if name.kind is Kind.README:
                return text_for_people(base)
            if name.kind is Kind.INDEX and name.digest is not None:
                return self._index(name.digest)
            if name.kind is Kind.PIECES and name.digest is not None:
                return self._pieces(name.digest)
            if name.kind is Kind.PLACEMENT and name.bag is not None:
                return self._placement(BagId.parse(name.bag))
        except (NotFoundInStoreError, DamagedInStoreError, DamagedBagError, RefusedError, UsageError):
            return None
        return None

    def _index(self, digest: Digest) -> bytes:
        """The index of the sound pack of this name, compressed or not."""
        try:
            pack = find_generation(self._store, keys.pack(digest), digest)
        except NotFoundInStoreError:
            pack = find_generation(self._store, keys.zstd_pack(digest), digest)
        return format_index(members_by_headers(self._store, pack))

    def _pieces(self, digest: Digest) -> bytes:
        at = find_generation(self._store, keys.content(digest), digest)
        sums: list[str] = []
        length = 0
        with self._store.get(at) as reader:
            while piece := _read(reader.read, PIECE):
                sums.append(piece[0])
                length += piece[1]
        return canonical.dumps({"length": length, "piece": PIECE, "sha256": sums})

    def _placement(self, bag: BagId) -> bytes:
        folder = self._scratch / f"placement-{bag.name}-{bag.version}"
        folder.mkdir(parents=True, exist_ok=True)
        seals = [row.seal for row in self._catalogue.bags(bag.name) if row.bag == bag]
        collector = Collector()
        places = Places([], collector, [self._store, *self._sources])
        sealed = open_bag(Target(bag, seals[0] if seals else None, places, self._arbiter, asked=False), folder, collector)
        with Plan(folder / "plan.sqlite", create=True) as plan:
            load_contents(plan, sealed)
            scopes = ("", bag.name)
            found = [row for scope in scopes for row in chosen(plan, self._catalogue.path, self._number, scope)]
        return placement_lines({row.id: row for row in found}.values())


def _parses(parse: Callable[[], object]) -> bool:
    try:
        parse()
    except InvalidValueError:
        return False
    return True


def _mark(data: bytes, key: StoreKey) -> None:
    value = canonical.loads(data, what=str(key))
    if not isinstance(value, dict) or value.get("format") != "strongroom-attempt/1":
        raise InvalidValueError(f"{key}: no mark of an attempt")
    if key.text.endswith("/open") and value.get("attempt") != key.text.split("/")[-2]:
        raise InvalidValueError(f"{key}: marks another attempt")


def _read(read: Callable[[int], bytes], size: int) -> tuple[str, int] | None:
    """Digest and length of the next `size` bytes; None at the end."""
    running, left = hashlib.sha256(), size
    while left and (chunk := read(min(left, 1 << 20))):
        running.update(chunk)
        left -= len(chunk)
    return None if left == size else (running.hexdigest(), size - left)


"""Finding and reading seals (docs/format.md, sections 1.2, 5 and 8)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, NotFoundInStoreError
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId, check_collection_name
from strongroom.core.keys import StoreKey
from strongroom.core.seal import Seal, Void, parse_seal
from strongroom.stores.generations import generations, read_all
from strongroom.stores.interface import Store

#: A seal names one log head a writer; this is room for tens of thousands of them.
SEAL_LIMIT: Final = 16 << 20
#: A tag manifest has one line a tag file.
TAG_MANIFEST_LIMIT: Final = 64 << 20
#: What is said of a damaged generation of a seal beside one that makes sense.
STAYS: Final = "Nothing needs doing: it stays, for no sweep removes a seal (its key holds the number of the bag)"
_VERSION: Final = re.compile(r"v([1-9][0-9]{0,8})\Z")


@dataclass(frozen=True, slots=True)
class FoundSeal:
    """A seal that parses, and the digest that is the bag's identity."""

    bag: BagId
    key: StoreKey
    digest: Digest
    seal: Seal


@dataclass(frozen=True, slots=True)
class Seals:
    """What a store holds under one label: no seal (no bag, or one that was voided), one (the bag), or several (forked)."""

    bag: BagId
    found: tuple[FoundSeal, ...]
    findings: tuple[Finding, ...]
    void: bool = False
    settled: bool = False  # of several, `found` is the one that a trusted signature chose
    passed_over: tuple[Digest, ...] = ()


def find_versions(store: Store, name: str) -> list[int]:
    """The version numbers below which a store holds anything, ascending; not all of them need be sealed."""
    folders = store.list_folders(keys.collection_prefix(name))
    return sorted(int(match[1]) for match in map(_VERSION.match, folders) if match)


def find_seals(store: Store, name: str | None = None) -> Iterator[Seals]:
    """Every label of a store, or of one collection, that has a seal, in order of name and version."""
    for folder in [name] if name is not None else store.list_folders("bags/"):
        try:
            check_collection_name(folder)
        except InvalidValueError:
            continue  # a stranger's folder: format.md gives it no meaning
        for version in find_versions(store, folder):
            seals = read_seals(store, BagId(folder, version))
            if seals.found or seals.findings or seals.void:
                yield seals


def read_seals(store: Store, bag: BagId) -> Seals:
    """The seals a store holds under one label, newest generation first. Equal generations count once.

    A generation that does not parse or seals another bag is damaged, and a finding: a note where another makes sense, as
    after a repair. What parses has a right sum, so several that differ are no accident: none is passed over for what its tag files are
    like, for whoever plants a seal can also damage those of the true one.
    """
    found: dict[Digest, FoundSeal] = {}
    damaged: list[tuple[StoreKey, str]] = []
    void = False
    for key in generations(store, keys.seal(bag)):
        try:
            data = read_all(store, key, SEAL_LIMIT)
            seal = parse_seal(data, what=str(key))
        except NotFoundInStoreError:
            continue  # swept since it was listed
        except (InvalidValueError, DamagedInStoreError) as error:
            damaged.append((key, str(error).removeprefix(f"{key}: ")))
            continue
        if seal.bag != bag:
            damaged.append((key, f"it seals {seal.bag}, not {bag}"))
        elif isinstance(seal, Void):
            void = True
        else:
            found.setdefault(Digest.of(data), FoundSeal(bag, key, Digest.of(data), seal))
    findings = [_damaged(f"{store.url}: {key}", what, beside=bool(found)) for key, what in damaged]
    if len(found) + void > 1:
        identities = ", ".join(digest.hex for digest in found)
        also = " and one that voids the number" if void else ""
        findings.append(Finding(Code.FORKED, f"{store.url}: {bag}", f"{len(found)} different seals under one label ({identities}){also}"))
    return Seals(bag, tuple(found.values()), tuple(findings), void)


def _damaged(place: str, what: str, *, beside: bool) -> Finding:
    if beside:
        return Finding(Code.SEAL_COPY_DAMAGED, place, f"damaged: {what}; another generation of the seal is whole. {STAYS}")
    also = "Another store may hold the seal whole: `strongroom audit`, then `strongroom repair`, brings it back"
    return Finding(Code.SEAL_DAMAGED, place, f"damaged: {what}. {also}")

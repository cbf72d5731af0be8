"""What a library of a given size comes to, from what one file, pack and bag was measured to cost (units.json). Pure: opens nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from strongroom.core.pack import BLOCK, PACK_SIZE
from strongroom.stores.s3_connection import S3Settings
from strongroom.stores.s3_multipart import part_size
from strongroom.usecases.archive import batches

Units = Mapping[str, Any]
_SETTINGS: Final = S3Settings()


@dataclass(frozen=True)
class Library:
    """Equal collections; small files go into packs, large ones are objects of their own. Sizes in bytes, each a mean."""

    name: str
    collections: int
    small: int  # in each collection, no two alike
    small_bytes: int
    large: int = 0
    large_bytes: int = 0

    @property
    def files(self) -> int:
        return self.collections * (self.small + self.large)

    @property
    def bytes(self) -> int:
        return self.collections * (self.small * self.small_bytes + self.large * self.large_bytes)


@dataclass(frozen=True)
class Site:
    """What it runs on."""

    workers: int = 2
    cores: int = 4  # of each
    gigabits: float = 1.0  # between the workers and the stores, of all workers together
    requests: float = 3500.0  # writes a second that the store takes below one prefix
    commits: float = 4000.0  # rows a second that go into the catalogue, whose writers take turns
    catalogue_limit: float = 1e12  # bytes: what one database holds without becoming somebody's work
    days: int = 90  # within which everything is read again


LIBRARIES = (
    Library("10 TB", 100, 40_000, 250_000, 3_000, 30_000_000),
    Library("1 PB", 5_000, 20_000, 250_000, 3_900, 50_000_000),
    Library("10⁹ files", 1_000, 1_000_000, 9_000),
)


@lru_cache
def packs(small: int, small_bytes: int, large: int, large_bytes: int) -> int:
    """Packs of one collection: those of each batch, as a run cuts them. Small files come first, as in the corpora that were measured."""
    framed = BLOCK + -(-small_bytes // BLOCK) * BLOCK
    sizes = [small_bytes] * small + [large_bytes] * large
    found = 0
    for first, last in batches.cut(sizes, len(sizes), sum(sizes)):
        members = max(0, min(last, small) - first + 1)
        found += -(-members // (PACK_SIZE // framed))
    return found


def objects(library: Library, units: Units) -> int:
    """In the store after the first bag of every collection; what `fixed` counts of a store with one collection is each collection's."""
    each = units["objects"]
    count = packs(library.small, library.small_bytes, library.large, library.large_bytes)
    return round(library.collections * (each["fixed"] + each["pack"] * count + each["large"] * library.large))


def requests(library: Library, command: str, units: Units) -> Counter[str]:
    """By kind, of one run for every collection ("archive", "unchanged", "audit", "restore"). One audit of a whole store asks for a little
    less, and lists it by the thousand."""
    count = packs(library.small, library.small_bytes, library.large, library.large_bytes)
    found: Counter[str] = Counter()
    for kind, each in units["requests"][command].items():
        one = each["fixed"] + each["pack"] * count + each["large"] * library.large + (each["any_large"] if library.large else 0)
        found[kind] = round(library.collections * one)
    if command == "audit":
        found["list"] += objects(library, units) // 1000
    if command == "archive" and library.large_bytes > _SETTINGS.single_put:  # in parts: their uploads, the beginning and the end, not one
        parts = -(-library.large_bytes // part_size(library.large_bytes, _SETTINGS.part))
        found["put"] += library.collections * library.large * (parts + 1)
    return found


def stored(library: Library, units: Units) -> int:
    """Bytes in the store: contents, what tar adds to the small ones, indexes, tag files."""
    framed = BLOCK + -(-library.small_bytes // BLOCK) * BLOCK
    each, files = units["bytes"], library.small + library.large
    return round(library.collections * (library.small * (framed + each["index"]) + library.large * library.large_bytes
                                        + each["fixed"] + each["file"] * files))


def catalogue(library: Library, units: Units) -> int:
    """Bytes, after the first bag of every collection."""
    return round(library.files * units["catalogue"]["file"])


def processor(library: Library, command: str, units: Units) -> float:
    """CPU seconds. What was archived is read back, which costs what an audit does."""
    each = [units["processor"][name] for name in (command, *(("audit",) if command == "archive" else ()))]
    return float(sum(library.files * one["file"] + library.bytes / 1e6 * one["megabyte"] for one in each))


def times(library: Library, command: str, site: Site, units: Units) -> dict[str, float]:
    """Hours that each resource needs by itself; the longest is the bottleneck."""
    asked = requests(library, command, units)
    passes = 2 if command == "archive" else 1  # what was written is read back
    needed = {
        "processors": processor(library, command, units) / (site.workers * site.cores),
        "network": passes * stored(library, units) * 8 / (site.gigabits * 1e9),
        "requests to the store": (asked["put"] + asked["list"] + asked["get"] + asked["head"]) / site.requests,
    }
    if command == "archive":
        needed["turns at the catalogue"] = library.files / site.commits
    return {name: seconds / 3600 for name, seconds in needed.items()}


@dataclass(frozen=True)
class Money:
    """In the currency of the prices. `once`: putting it there. A month: keeping it, warm or with a lifecycle. A year: reading all of it
    as often as the site asks for."""

    once: float
    month: float
    month_cold: float
    year_audit: float
    year_audit_cold: float


def money(library: Library, site: Site, units: Units, prices: Mapping[str, Any]) -> Money:
    def paid(asked: Counter[str]) -> float:
        return sum(prices["thousand"][kind] * number / 1000 for kind, number in asked.items())

    gigabytes, times_a_year = stored(library, units) / 1e9, 365 / site.days
    count = packs(library.small, library.small_bytes, library.large, library.large_bytes) * library.collections
    framed = BLOCK + -(-library.small_bytes // BLOCK) * BLOCK
    cold = library.collections * (library.small * framed + library.large * library.large_bytes) / 1e9
    audit = paid(requests(library, "audit", units)) * times_a_year
    moved = count + library.large * library.collections  # objects that grow cold, each read once by an audit
    asked_of_cold = moved * (prices["thousand"]["get_cold"] - prices["thousand"]["get"]) / 1000
    return Money(
        once=paid(requests(library, "archive", units)) + moved * prices["thousand"]["to_cold"] / 1000,
        month=gigabytes * prices["month"]["warm"],
        month_cold=(gigabytes - cold) * prices["month"]["warm"] + cold * prices["month"]["cold"], year_audit=audit,
        year_audit_cold=audit + (cold * prices["gigabyte"]["out_of_cold"] + asked_of_cold) * times_a_year,
    )


def bottleneck(library: Library, site: Site, units: Units) -> str:
    """What is in the way first, and what follows from it."""
    for command, limit in (("audit", site.days * 24), ("archive", float("inf"))):
        name, hours = max(times(library, command, site, units).items(), key=lambda item: item[1])
        if hours > limit:
            return f"{name}: reading everything takes {hours:,.0f} hours, and there are {limit:,} in {site.days} days"
    if catalogue(library, units) > site.catalogue_limit:
        return f"the catalogue: {catalogue(library, units) / 1e12:.1f} TB"
    return f"{name}: the first archiving takes {hours:,.0f} hours by it"

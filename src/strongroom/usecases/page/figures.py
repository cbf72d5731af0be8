"""Everything the page says, as values. Sizes in bytes, times in UTC text; nothing here is markup."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from strongroom.catalogue.formats import FormatTotal
from strongroom.catalogue.holdings import Sharing, Stored
from strongroom.catalogue.runs import RunRow
from strongroom.usecases.page.levels import Level
from strongroom.usecases.report.logged import Logged

#: Days since the last reading that are told apart; what follows in StoreFigures.ages is older, in the future, never.
AGES = (7, 30, 90, 365)


@dataclass(frozen=True, slots=True)
class VersionFigures:
    version: int
    sealed: str
    files: int
    bytes: int
    new: tuple[int, int] | None  # contents that no lower version has, and their bytes; None: not counted
    stores: int  # that hold it


@dataclass(frozen=True, slots=True)
class CollectionFigures:
    name: str
    title: str | None
    versions: tuple[VersionFigures, ...]  # by number; a forked one twice

    @property
    def latest(self) -> VersionFigures:
        return self.versions[-1]


@dataclass(frozen=True, slots=True)
class StoreFigures:
    url: str
    id: str
    seen: str
    offline: bool
    bags: int
    given: int  # payload bytes of the bags it holds
    stored: Stored
    ages: tuple[int, ...]  # bytes, by AGES
    last_audit: str | None
    unsound: int
    place: str | None = None  # attested
    media: str | None = None


@dataclass(frozen=True, slots=True)
class NamedFile:
    bag: str
    path: str
    value: int  # bytes, or nanoseconds since 1970


@dataclass(frozen=True, slots=True)
class FoundFigure:
    severity: str
    code: str
    place: str
    message: str
    when: str | None  # the run that found it; None: as things stand now
    job: str


@dataclass(frozen=True, slots=True)
class Alike:
    """One pair of near-copies."""

    a: str
    b: str
    kind: str
    jaccard: float
    containment: float
    differs: str


@dataclass(frozen=True, slots=True)
class ClusterFigures:
    contents: int
    places: tuple[str, ...]  # "collection: path" of the first of them
    pairs: tuple[Alike, ...]
    count: int  # pairs there are


@dataclass(slots=True)
class Hidden:
    """What may not be shown comes to so much."""

    collections: int = 0
    bags: int = 0
    files: int = 0  # of the latest bags
    bytes: int = 0


@dataclass(slots=True)
class Figures:
    made: str
    curator: bool
    name: str | None  # of the one collection that the page is about
    collections: tuple[CollectionFigures, ...] = ()
    hidden: Hidden = field(default_factory=Hidden)
    withheld: int = 0
    stores: tuple[StoreFigures, ...] = ()
    sharing: Sharing = field(default_factory=Sharing)
    shared: tuple[int, int] | None = None  # contents that other collections have as well, and their bytes; None: the page is about all
    uncounted: tuple[str, ...] = ()  # bags that are in no figure about copies
    formats: tuple[FormatTotal, ...] = ()  # of the latest bags
    found: tuple[FoundFigure, ...] = ()
    counts: Counter[str] = field(default_factory=Counter)  # findings by severity, listed or not
    unlisted: int = 0  # findings that concern what may not be shown, or stand beyond the limit
    clusters: tuple[ClusterFigures, ...] = ()
    cluster_count: int = 0
    largest: tuple[NamedFile, ...] = ()
    oldest: tuple[NamedFile, ...] = ()
    levels: tuple[Level, ...] = ()
    attestations: str | None = None  # the name of the file they come from
    runs: tuple[RunRow, ...] = ()  # the last ones, newest first
    jobs: Counter[tuple[str, str]] = field(default_factory=Counter)  # runs by job and outcome
    log: Logged | None = None

    @property
    def bags(self) -> int:
        return sum(len(one.versions) for one in self.collections)

    @property
    def files(self) -> int:
        """Of the latest bags."""
        return sum(one.latest.files for one in self.collections)

    @property
    def bytes(self) -> int:
        return sum(one.latest.bytes for one in self.collections)

    @property
    def given(self) -> int:
        """Bytes of all bags."""
        return sum(version.bytes for one in self.collections for version in one.versions)

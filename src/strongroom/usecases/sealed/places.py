"""The stores a bag can be read from: one to begin with, and further ones opened only when they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from strongroom.core.digests import Digest
from strongroom.core.errors import RefusedError, StoreUnreachableError, UsageError, WrongStoreError
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId, check_collection_name
from strongroom.stores.describe import open_known_store
from strongroom.stores.interface import Store
from strongroom.stores.open import StoreOptions, open_store
from strongroom.usecases.context import Context
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import Address, known_bags
from strongroom.usecases.sealed.reaching import store_options
from strongroom.usecases.sealed.seals import find_versions, read_seals
from strongroom.usecases.signatures.settling import Arbiter, passed_over

if TYPE_CHECKING:
    from strongroom.collections.model import StoreRef


class Places:
    """Stores, in the order in which they are to be asked. Iterating opens the next one on demand and skips what cannot be opened.

    `skipped` says that one of them could not be asked, so that nothing may be called missing.
    """

    def __init__(self, addresses: Sequence[Address], collector: Collector, opened: Sequence[Store] = ()) -> None:
        self._left = list(addresses)
        self._opened = list(opened)
        self._collector = collector
        self.skipped = False

    def __iter__(self) -> Iterator[Store]:
        at = 0
        while at < len(self._opened) or self._open_next():
            yield self._opened[at]
            at += 1

    @property
    def opened(self) -> tuple[Store, ...]:
        """Those that were asked so far."""
        return tuple(self._opened)

    def first(self) -> Store:
        """The first store that can be reached. Raises StoreUnreachableError if there is none."""
        for store in self:
            return store
        raise StoreUnreachableError("none of the stores that hold this bag can be reached; see the findings above for each of them")

    def give_up(self, store: Store, error: Exception) -> None:
        """Say that a store did not answer, or not when asked for something: nothing may be called missing then. Its number stays taken."""
        self._skip(store.url, error)

    def _open_next(self) -> bool:
        while self._left:
            address = self._left.pop(0)
            try:
                self._opened.append(open_address(address))
            except (StoreUnreachableError, WrongStoreError) as error:
                self._skip(address.url, error)
            else:
                return True
        return False

    def _skip(self, url: str, error: Exception) -> None:
        self.skipped = True
        self._collector.add(Finding(Code.STORE_SKIPPED, url, f"could not be asked: {error}"))


def open_address(address: Address, *, patient: bool = True, options: StoreOptions | None = None) -> Store:
    """Open a store with `options`, by default as its collection's manifest says (endpoint, region), or by the usual AWS means.

    Without `patience` a server that does not answer is asked only once. Raises StoreError.
    """
    options = options or _options(address)
    if not patient:
        options = replace(options, retry_seconds=0.0, connect_timeout=5.0)
    return open_known_store(address.url, address.id, options)


def open_undescribed(address: Address) -> Store:
    """What lies at the address, whatever it is: for putting back a store's lost description."""
    return open_store(address.url, _options(address))


def _options(address: Address) -> StoreOptions:
    return store_options([reference for reference in _references(address) if reference.names(address.id, address.url)])


def _references(address: Address) -> Sequence[StoreRef]:
    if address.manifest is None or not address.url.startswith("s3:"):
        return ()
    from strongroom.collections.load import load  # noqa: PLC0415  YAML and JSON Schema, for buckets only

    try:
        return load(Path(address.manifest)).stores
    except (UsageError, OSError):
        return ()  # moved or no longer valid, which is no reason not to try


@dataclass(frozen=True, slots=True)
class Target:
    """Which bag is meant, by its seal where that is known, and where it can be read.

    `arbiter` chooses where a store holds several seals; None: the seal is known, and whoever knows it said what there is to say of others.
    `asked`: a person named the seal, and no arbiter is to choose another.
    """

    bag: BagId
    seal: Digest | None
    places: Places
    arbiter: Arbiter | None = None
    asked: bool = True


def parse_bag(text: str) -> tuple[str, int | None]:
    """NAME or NAME/vN. Raises InvalidValueError.

    >>> parse_bag("mysite/v3"), parse_bag("mysite")
    (('mysite', 3), ('mysite', None))
    """
    if "/" in text:
        bag = BagId.parse(text)
        return bag.name, bag.version
    return check_collection_name(text), None


def resolve(
    name: str, version: int | None, context: Context, collector: Collector, *, source: str | None = None, seal: Digest | None = None
) -> Target:
    """The bag meant by NAME or NAME/vN (no version: the latest), and where to read it: `source` first if it is given, then the stores
    that the catalogue knows to hold the same bag.

    Raises UsageError if no such bag is known, StoreUnreachableError if `source` cannot be reached, RefusedError if the label is forked
    and neither `seal` nor a trusted signature chooses.
    """
    arbiter, asked = Arbiter.at(context.home), seal is not None
    known = known_bags(context, name)
    if source is not None:
        first = Places([Address(source)], collector).first()
        version = version if version is not None else latest_sealed(first, name)
        rows = [row for row in known.rows if row.bag.version == version and seal in (None, row.seal)]
        others = [address for address in known.addresses(rows) if address.url != source]
        return Target(BagId(name, version), seal, Places(others, collector, [first]), arbiter, asked)
    if version is None and known.rows:
        version = known.rows[-1].bag.version
    rows = [row for row in known.rows if row.bag.version == version and seal in (None, row.seal)]
    if version is None or not rows:
        what = f"bag {name}/v{version}" if version is not None else f"bag of a collection {name!r}"
        raise UsageError(f"no {what} is known here; `strongroom list` shows those that are, and --from URL reads one from a store at hand")
    bag = BagId(name, version)
    seals = {row.seal for row in rows}
    if len(seals) > 1:
        holders = {row.seal: Places(known.addresses([row]), collector) for row in rows}
        chosen = arbiter.choose(bag, {digest: list(places) for digest, places in holders.items()})
        if chosen is None:
            choices = ", ".join(sorted(one.hex for one in seals))
            raise RefusedError(f"{bag} is forked: different bags were sealed under this label; choose one with --seal: {choices}")
        collector.add(passed_over(str(bag), chosen, seals - {chosen}, void=False))
        rows = [row for row in rows if row.seal == chosen]
    return Target(bag, rows[0].seal, Places(known.addresses(rows), collector), arbiter, asked)


def latest_sealed(store: Store, name: str) -> int:
    """The highest version of a collection that is sealed in a store. Raises UsageError if there is none."""
    for version in reversed(find_versions(store, name)):
        if read_seals(store, BagId(name, version)).found:
            return version
    raise UsageError(f"{store.url}: no sealed bag of a collection {name!r} lies there")

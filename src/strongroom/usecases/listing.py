"""What bags there are: as the catalogue knows them, or as they lie in one store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from strongroom.catalogue import Catalogue
from strongroom.catalogue.formats import FormatTotal, formats_now
from strongroom.core.errors import UsageError
from strongroom.core.findings import Finding, has_errors
from strongroom.usecases.context import Context
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import Address, known_bags
from strongroom.usecases.sealed.lost import lost_catalogue


@dataclass(frozen=True, slots=True)
class ListedBag:
    bag: str
    seal: str
    sealed: str  # UTC; a hint
    files: int
    bytes: int
    stores: tuple[str, ...]  # URLs
    withheld: int | None  # of the files, as far as the catalogue knows; None: a store was listed, which does not say


@dataclass(frozen=True, slots=True)
class ListReport:
    bags: tuple[ListedBag, ...]
    findings: tuple[Finding, ...] = ()
    formats: tuple[FormatTotal, ...] | None = None  # of the latest bags together, where that was asked

    @property
    def exit_status(self) -> int:
        return 1 if has_errors(self.findings) else 0

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/list-report.schema.json."""
        formats = [{**one.format.to_json(), "files": one.files, "bytes": one.bytes} for one in self.formats or ()]
        return {
            "format": "strongroom-list-report/1",
            "bags": [
                {
                    "bag": one.bag, "seal": one.seal, "sealed": one.sealed, "files": one.files, "bytes": one.bytes,
                    "stores": list(one.stores), "withheld": one.withheld,
                }
                for one in self.bags
            ],
            "findings": [finding.to_json() for finding in self.findings],
            **({} if self.formats is None else {"formats": formats}),
        }


def list_bags(context: Context, *, name: str | None = None, source: str | None = None, formats: bool = False) -> ListReport:
    """Every bag, or those of a collection: by the catalogue, or with `source` by the seals that lie in that store. `formats`: and what
    the latest of those that the catalogue knows are made of.

    Raises UsageError if there is no such collection, StoreUnreachableError or WrongStoreError if `source` is given and no store answers
    there.
    """
    if source is not None:
        return _in_store(source, name, context)
    known = known_bags(context, name)
    urls = {store.id: store.url for store in known.stores}
    bags = tuple(
        ListedBag(
            str(row.bag), row.seal.hex, row.sealed, row.files, row.bytes,
            tuple(sorted(urls[one] for one in row.stores if one in urls)), known.withheld.get(row.bag, 0))
        for row in known.rows
    )
    lost = None if bags else lost_catalogue(context, known if name is None else known_bags(context))
    if name is not None and not bags and lost is None and all(one.name != name for one in known.collections):
        others = "`strongroom list` shows those that are, and --from URL lists what lies in a store"
        raise UsageError(f"no collection {name!r} is known here; {others}")
    return ListReport(bags, (lost,) if lost else (), _formats(context, name) if formats else None)


def _formats(context: Context, name: str | None) -> tuple[FormatTotal, ...]:
    if not context.has_catalogue():
        return ()
    with Catalogue.open(context.catalogue) as catalogue:
        return formats_now(catalogue, name)


def _in_store(source: str, name: str | None, context: Context) -> ListReport:
    from strongroom.usecases.sealed.places import Places  # noqa: PLC0415  only this way of listing opens a store
    from strongroom.usecases.sealed.seals import find_seals  # noqa: PLC0415
    from strongroom.usecases.signatures.settling import Arbiter  # noqa: PLC0415

    collector = Collector()
    store = Places([Address(source)], collector).first()
    bags: list[ListedBag] = []
    arbiter = Arbiter.at(context.home)
    for every in find_seals(store, name):
        seals = arbiter.settle(store, every)
        collector.extend(seals.findings)
        bags += [
            ListedBag(str(seals.bag), one.digest.hex, one.seal.sealed, one.seal.payload_files, one.seal.payload_bytes, (store.url,), None)
            for one in seals.found
        ]
    if name is not None and not bags and not collector.findings():
        raise UsageError(f"{store.url}: no sealed bag of a collection {name!r} lies there")
    return ListReport(tuple(bags), collector.findings())

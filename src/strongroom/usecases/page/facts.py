"""The facts that the NDSA levels are judged by, from the figures, the catalogue and the collection manifests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from strongroom.catalogue import BagRow, Catalogue
from strongroom.catalogue.holdings import scanned
from strongroom.catalogue.runs import last_runs
from strongroom.collections.model import CollectionManifest
from strongroom.core.errors import UsageError
from strongroom.core.formats import MISMATCH, UNIDENTIFIED
from strongroom.core.plural import plural
from strongroom.signing import Keyring
from strongroom.usecases.context import Context
from strongroom.usecases.page.attest import Attestations, StorePlace
from strongroom.usecases.page.evidence import Facts
from strongroom.usecases.page.figures import Figures
from strongroom.usecases.page.levels import Evidence
from strongroom.usecases.status.report import StatusReport

#: Findings that say that a record or a file lacks what the other has.
_GAPS: Final = frozenset({"record-invalid", "record-refused", "record-held", "record-without-file", "file-without-record"})


def facts(
    figures: Figures, catalogue: Catalogue, rows: Sequence[BagRow], manifests: Mapping[str, CollectionManifest], standing: StatusReport,
    attestations: Attestations, context: Context,
) -> Facts:
    """Of the collections in `rows`, by name and version."""
    names = sorted({row.bag.name for row in rows})
    mine = {name: manifests[name] for name in names if name in manifests}
    sound = {store.id: attestations.store(store.id, store.url) for store in figures.stores if not store.unsound}
    told = {store.url for store in figures.stores}  # others are called by their id: their URL names what may not be shown
    replicas = [one for collection in standing.collections if collection.name in names for one in collection.replicas if one.held]
    late = {one.store if one.store in told else f"store {one.id}" for one in replicas if one.recent_bytes < one.bytes}
    runs = last_runs(catalogue, "archive")
    return Facts(
        bags=len(rows), files=figures.files, copies=_copies(names, rows, sound), stores=len(figures.stores),
        placed=sum(1 for store in figures.stores if store.media), unread=tuple(sorted(late)),
        unaudited=tuple(store.url for store in figures.stores if store.last_audit is None and store.bags),
        damaged=sum(store.unsound for store in figures.stores),
        no_readback=tuple(name for name, manifest in mine.items() if not manifest.readback),
        undescribed=tuple(name for name in names if name not in mine or not (mine[name].title and mine[name].description)),
        standards=tuple(sorted({manifest.metadata.schema.rpartition("/")[2] for manifest in mine.values()})),
        gaps=tuple(name for name in names if name in runs and _has_gaps(runs[name].summary)),
        identified=sum(one.files for one in figures.formats),
        doubtful=sum(one.files for one in figures.formats if one.format.has(UNIDENTIFIED) or one.format.has(MISMATCH)),
        signatures=tuple(sorted({one.format.signatures for one in figures.formats if one.format.signatures})),
        scanned=_scanned(catalogue, names, figures), signed=_signs(context),
    )


def _copies(names: Sequence[str], rows: Sequence[BagRow], sound: Mapping[str, StorePlace]) -> dict[str, tuple[StorePlace, ...]]:
    whole = {name: set(sound) for name in names}
    for row in rows:
        whole[row.bag.name] &= set(row.stores)
    return {name: tuple(sound[store] for store in sorted(stores)) for name, stores in whole.items()}


def _has_gaps(summary: Mapping[str, Any]) -> bool:
    """Whether the run found any, or so much that not every finding was remembered."""
    found = summary.get("findings", ())
    return bool(_GAPS & {one["code"] for one in found}) or sum(summary.get("counts", {}).values()) > len(found)


def _scanned(catalogue: Catalogue, names: Sequence[str], figures: Figures) -> Evidence:
    contents, seen = scanned(catalogue, names)
    words = f"a virus scanner has seen {seen:,} of {plural(contents, 'content')}"
    return Evidence(0 < contents == seen and not figures.uncounted, words, f"{words}: set `scan` in the collection manifests")


def _signs(context: Context) -> bool:
    try:
        return Keyring(context.home).signing_key() is not None
    except UsageError:
        return False

"""The collection manifest an imported bag is archived by: a person's own where there is one, else one that is written for it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from strongroom.catalogue import Catalogue
from strongroom.collections import find, load
from strongroom.collections.model import CollectionManifest
from strongroom.core import keys
from strongroom.core.errors import UsageError
from strongroom.core.ids import check_collection_name
from strongroom.stores.generations import exists
from strongroom.usecases.archive.destination import open_destination
from strongroom.usecases.archive.previous import find_last
from strongroom.usecases.context import Context
from strongroom.usecases.imports.describe import manifest_text
from strongroom.usecases.imports.naming import Owner
from strongroom.usecases.imports.request import ImportRequest
from strongroom.usecases.imports.tags import FOLDER
from strongroom.usecases.replicate.keep import open_kept
from strongroom.usecases.signatures.settling import Arbiter

_SOMEBODY: Final = "00000000000000000000000000000000"


def written_folder(context: Context) -> Path:
    """Where collection manifests of imported bags are written."""
    return context.home / "imported"


def check_request(request: ImportRequest, context: Context) -> None:
    """Raise UsageError for what would fail every bag: no store, settings that cannot be read, a name that is none."""
    if request.collection is not None:
        check_collection_name(request.collection)
        if own_manifest(request.collection, context) is not None:
            return
    if not request.stores and request.settings is None:
        raise UsageError("say where the bags are to go: --store URL, or --settings FILE.yaml with `stores`")
    with tempfile.TemporaryDirectory(prefix="strongroom-import-") as folder:
        _draft(Path(folder), request.collection or "bag", request)


def own_manifest(name: str, context: Context) -> CollectionManifest | None:
    """The collection manifest of this name that a person keeps, in the manifests folder or where it was last archived from."""
    paths: list[Path] = []
    with suppress(UsageError):
        paths.append(find(name))
    if context.has_catalogue():
        with Catalogue.open(context.catalogue) as catalogue:
            paths += [Path(row.manifest) for row in catalogue.collections() if row.name == name and row.manifest]
    kept = [path for path in paths if path.is_file() and written_folder(context) not in path.absolute().parents]
    if not kept:
        return None
    manifest = load(kept[0])
    return manifest if manifest.name == name else None


def owner_of(name: str, request: ImportRequest, context: Context, scratch: Path) -> Owner | None:
    """Whose the name is in the stores the bag would go to. Raises StoreError."""
    manifest = own_manifest(name, context) or _draft(scratch, name, request)
    with Catalogue.open(context.catalogue) as catalogue, open_destination(manifest, catalogue, 1) as destination:
        last = find_last([*destination.all, open_kept(context)], name, Arbiter.at(context.home))
        if last.seal is None or last.store is None:
            return None
        report = keys.tag_file(last.seal.bag, last.seal.attempt, f"{FOLDER}/import.json")
        return Owner(last.seal.collection, imported=exists(last.store, report))


def write_manifest(
    name: str, uuid: str, source: Path, described: Mapping[str, Any], request: ImportRequest, context: Context
) -> CollectionManifest:
    """Write the collection manifest of an imported collection and read it back. Raises UsageError if what is described cannot be said."""
    folder = written_folder(context)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return _write(folder, manifest_text(name, str(source), uuid, described, request.stores, _settings(request)), name)


def _draft(folder: Path, name: str, request: ImportRequest) -> CollectionManifest:
    return _write(folder, manifest_text(name, str(folder / "nothing"), _SOMEBODY, {}, request.stores, _settings(request)), name)


def _write(folder: Path, text: str, name: str) -> CollectionManifest:
    """In place of what was there, and only if it can be read."""
    file = folder / f"{name}.yaml"
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as trial:
        new = Path(trial) / file.name
        new.write_text(text, encoding="utf-8")
        load(new)
        os.replace(new, file)
    return load(file)


def _settings(request: ImportRequest) -> str | None:
    return None if request.settings is None else str(request.settings)

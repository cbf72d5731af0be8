"""Every collection manifest that this installation should heed: a schedule that nobody ever ran is in none of its runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from strongroom.collections import CollectionManifest, load
from strongroom.collections.load import manifests_folder, told_of
from strongroom.core.errors import UsageError
from strongroom.core.findings import Code, Finding
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import Known

_COLLECTION: Final = re.compile(rb"""^\s*["']?collection["']?\s*:""", re.MULTILINE)


def all_manifests(known: Known, collector: Collector) -> dict[str, CollectionManifest]:
    """By name, those that collections were last archived from, and those of the manifests folder whose collections are not known yet.

    One that cannot be read is a finding of severity warning.
    """
    found: dict[str, CollectionManifest] = {}
    tried: set[Path] = set()
    for row in known.collections:
        if row.manifest is None:
            continue
        path = Path(row.manifest)
        tried.add(path.absolute())
        manifest = _load(path, collector, f"{row.name} cannot be judged by its schedule and stores")
        if manifest is not None:
            found[manifest.name] = manifest
    folder = manifests_folder().absolute()
    files = sorted(file for file in folder.glob("*.y*ml") if file.suffix in (".yaml", ".yml")) if folder.is_dir() else []
    for file in files:
        if file not in tried and _describes(file):
            manifest = _load(file, collector, "it was passed over")
            if manifest is not None:
                found.setdefault(manifest.name, manifest)
    return found


def _describes(file: Path) -> bool:
    """Whether it says which collection it is about: site defaults, which others extend, do not."""
    try:
        return _COLLECTION.search(file.read_bytes()) is not None
    except OSError:
        return True  # and loading says why it cannot be read


def _load(path: Path, collector: Collector, consequence: str) -> CollectionManifest | None:
    try:
        return load(path)
    except (UsageError, OSError) as error:
        collector.add(Finding(Code.MANIFEST_UNUSABLE, str(path), f"{told_of(path, error)}; {consequence}"))
        return None

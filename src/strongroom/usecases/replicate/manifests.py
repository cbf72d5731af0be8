"""The collection manifests of the collections the catalogue knows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from strongroom.catalogue import Catalogue
from strongroom.collections.load import load, told_of
from strongroom.collections.model import CollectionManifest
from strongroom.core.errors import UsageError
from strongroom.core.findings import Code, Finding
from strongroom.usecases.context import Context


def load_manifests(paths: Sequence[str], context: Context) -> tuple[list[CollectionManifest], list[Finding]]:
    """The collection manifests at these paths; without any, those of `known_manifests`. Raises UsageError for one that is named."""
    return ([load(Path(path)) for path in paths], []) if paths else known_manifests(context)


def known_manifests(context: Context) -> tuple[list[CollectionManifest], list[Finding]]:
    """Each one that was last archived from; a finding for each that is no longer there or no longer valid."""
    manifests: list[CollectionManifest] = []
    findings: list[Finding] = []
    if not context.has_catalogue():
        return manifests, findings
    with Catalogue.open(context.catalogue) as catalogue:
        rows = catalogue.collections()
    for row in rows:
        if row.manifest is None:
            continue
        try:
            manifests.append(load(Path(row.manifest)))
        except (UsageError, OSError) as error:
            remedy = "Put its collection manifest back, or name it where it is now"
            what = f"{told_of(Path(row.manifest), error)}; {row.name} was passed over. {remedy}"
            findings.append(Finding(Code.MANIFEST_UNUSABLE, row.manifest, what))
    return manifests, findings

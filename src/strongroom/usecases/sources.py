"""From a collection manifest to its source, as the workers of a run are to read it."""

from __future__ import annotations

import os
from pathlib import Path

from strongroom.collections.model import CollectionManifest
from strongroom.sources.folder import Folder
from strongroom.sources.interface import Source
from strongroom.sources.spooling import spool_limit
from strongroom.stores.open import StoreOptions, open_objects


def open_source(manifest: CollectionManifest, workers: int, *, afar: bool = False) -> Source:
    """`workers` processes share its rate limit and the spool, and some may be on other machines (`afar`). Nothing is asked of it yet; boto3
    is imported only for s3:// URLs."""
    source = manifest.source
    if isinstance(source, Path):
        return Folder(os.fsencode(source), manifest.symlinks == "follow", afar)
    from strongroom.sources.bucket import Bucket  # noqa: PLC0415

    rate = source.rate_limit / workers if source.rate_limit is not None else None
    options = StoreOptions(endpoint_url=source.endpoint_url, region=source.region, rate_limit=rate)
    return Bucket(open_objects(source.bucket, source.prefix, options), spool_limit() // workers)

"""From a checked document to a CollectionManifest."""

from __future__ import annotations

import copy
import os
import urllib.parse
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from strongroom.collections.formats import fraction, local_path, size_bytes, source_place, store_url
from strongroom.collections.model import (
    Access,
    Agent,
    AuditPolicy,
    BucketRef,
    CollectionManifest,
    Identifier,
    MetadataSettings,
    Notify,
    Schedule,
    StoreRef,
)
from strongroom.collections.schemas import record_schema_names
from strongroom.collections.yaml_nodes import Node
from strongroom.core.retention import Retention


def with_defaults(value: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """`value` with the defaults of `schema` where a member is absent, in nested mappings too."""
    result = dict(value)
    for name, own in schema.get("properties", {}).items():
        if name not in result and "default" in own:
            result[name] = copy.deepcopy(own["default"])
        if isinstance(result.get(name), dict):
            result[name] = with_defaults(result[name], own)
    return result


def build(node: Node, document: Mapping[str, Any], raw: bytes, file: Path) -> CollectionManifest:
    """The manifest that `document` (valid, with defaults) describes. `node` knows which file a relative path was written in."""
    identifiers = tuple(_identifier(item) for item in document["identifiers"])
    uuids = [uuid.UUID(item.value).hex for item in identifiers if item.type == "UUID"]
    share = fraction(document["max_loss"])
    final = {**document, "max_loss": f"{(share * 100).normalize():f} %"}  # canonical JSON has no floating-point numbers
    return CollectionManifest(
        file=file,
        name=document["collection"],
        uuid=uuids[0] if uuids else None,
        source=_source(document["source"], _folder(node, "source")),
        stores=tuple(_store(item, _folder(node, "stores", number)) for number, item in enumerate(document["stores"])),
        title=document.get("title"),
        description=document.get("description"),
        identifiers=identifiers,
        agents=tuple(Agent(item) if isinstance(item, str) else Agent(item["name"], item.get("role")) for item in document["agents"]),
        rights=_texts(document["rights"], "statement"),
        access=Access(**document["access"]),
        languages=tuple(_list(document["languages"])),
        include=tuple(document["include"]),
        exclude=tuple(document["exclude"]),
        mode=document["mode"],
        max_loss=float(share),
        metadata=_metadata(document["metadata"], node),
        fixity=tuple(sorted(document["fixity"], key=lambda algorithm: algorithm != "sha256")),
        identify=document["identify"],
        scan=document.get("scan"),
        readback=document["readback"],
        compression=document["compression"],
        dedup=document["dedup"],
        symlinks=document["symlinks"],
        authority=document["authority"],
        schedule=Schedule(archive=document["schedule"]) if isinstance(document["schedule"], str) else Schedule(**document["schedule"]),
        audit=AuditPolicy(**_sizes(document["audit"])),
        notify=Notify(**document["notify"]),
        document=final,
        raw=raw,
    )


def overlapping(manifest: CollectionManifest) -> list[tuple[int, str]]:
    """Stores (by number) that lie inside the source, or the source inside them, and where: each run would archive the archive."""
    source = manifest.source
    if isinstance(source, BucketRef):
        return [(number, store.url) for number, store in enumerate(manifest.stores) if _overlap(source, store)]
    problems = []
    path = os.path.realpath(source)
    for number, store in enumerate(manifest.stores):
        if not store.url.startswith("file:"):
            continue
        folder = os.path.realpath(os.fsdecode(urllib.parse.unquote_to_bytes(urllib.parse.urlsplit(store.url).path)))
        if os.path.commonpath([path, folder]) in (path, folder):
            problems.append((number, folder))
    return problems


def _overlap(source: BucketRef, store: StoreRef) -> bool:
    """Buckets of one name are taken for one, unless two services are named."""
    bucket, _, prefix = store.url.removeprefix("s3://").partition("/")
    if not store.url.startswith("s3://") or bucket != source.bucket or _service(source.endpoint_url) != _service(store.endpoint_url):
        return False
    ours, theirs = (f"/{one}/" if one else "/" for one in (source.prefix, prefix))
    return ours.startswith(theirs) or theirs.startswith(ours)


def _service(endpoint: str | None) -> str:
    """Where a bucket is asked for; "" for where the configuration of AWS says."""
    named = endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    return named.rstrip("/").lower()


def in_turn(manifest: CollectionManifest) -> list[tuple[int, str]]:
    """Stores (by number) that share a URL, or an id, with an earlier one and do not say that they take turns there, and what is wrong."""
    problems = []
    for number, store in enumerate(manifest.stores):
        for other in manifest.stores[:number]:
            if store.id is not None and store.id == other.id:
                problems.append((number, f"the id {store.id} a second time"))
            elif store.url == other.url and not all(one.id is not None and one.offline for one in (store, other)):
                turns = "where two disks take turns at one place, give each its `id` (`strongroom store init` shows it) and `offline: true`"
                problems.append((number, f"{store.url} a second time; {turns}"))
    return problems


def _folder(node: Node, *path: str | int) -> Path:
    return node.at(path).file.parent


def _source(item: str | Mapping[str, Any], folder: Path) -> Path | BucketRef:
    options: dict[str, Any] = {"url": item} if isinstance(item, str) else _sizes(item)
    place = source_place(options.pop("url"), folder)
    return place if isinstance(place, Path) else BucketRef(*place, **options)


def _store(item: str | Mapping[str, Any], folder: Path) -> StoreRef:
    options: dict[str, Any] = {"url": item} if isinstance(item, str) else _sizes(item)
    if "retention" in options:
        options["retention"] = Retention(**options["retention"])
    return StoreRef(**{**options, "url": store_url(options["url"], folder)})


def _sizes(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: size_bytes(value) if key in ("max_bytes", "rate_limit") else value for key, value in options.items()}


def _identifier(item: str | Mapping[str, str]) -> Identifier:
    return Identifier("local", item) if isinstance(item, str) else Identifier(item["type"], item["value"])


def _texts(value: str | Mapping[str, str], name: str) -> Mapping[str, str]:
    return {name: value} if isinstance(value, str) else value


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _metadata(settings: Mapping[str, Any], node: Node) -> MetadataSettings:
    schema = settings["schema"]
    if schema not in record_schema_names():
        schema = str(local_path(schema, _folder(node, "metadata", "schema")))
    records = settings.get("records")
    return MetadataSettings(
        records=None if records is None else local_path(records, _folder(node, "metadata", "records")),
        schema=schema,
        on_invalid=settings["on_invalid"],
        every_file=settings["every_file"],
    )

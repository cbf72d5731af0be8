"""`strongroom init FOLDER`: a commented collection manifest to start from."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import unicodedata
import uuid
from pathlib import Path
from typing import Final

from strongroom.collections.formats import source_place, store_url
from strongroom.collections.load import load, manifests_folder
from strongroom.core.errors import SourceError, UsageError
from strongroom.core.findings import printable
from strongroom.core.ids import check_collection_name

_DEFAULT_STORE: Final = "~/strongroom-store"
_TEMPLATE: Final = """\
# Collection manifest: what is archived, how, and where to. Lines that start with # are comments; take the mark
# away to use one. Paths are relative to this file. All fields there are: schemas/collection.schema.json of Strongroom.

collection: {label}        # its bags will be {name}/v1, {name}/v2, …
source: {source}        # a folder, or s3://BUCKET/PREFIX

stores:                   # where the bags go; the first is written by archiving, the others are filled from it
  - {store}
#  - url: file:///media/usb/archive
#    offline: true        # a disk in a drawer
#    max_absence_days: 90 # … but not for longer
#    id: 0123456789abcdef0123456789abcdef # which, where disks take turns at one place; `strongroom store init` shows it
#  - url: s3://bucket/prefix            # credentials come from the environment or ~/.aws, never from here
#    endpoint_url: https://s3.example.org
#    storage_class: STANDARD_IA                # of packs and large contents
#    retention: {{mode: governance, days: 30}}   # nothing is removed before; the bucket needs Object Lock

identifiers:              # ARK, DOI, UUID, local. The UUID tells this collection from any other: keep it
  - {{type: UUID, value: {uuid}}}

title: {title}
#description: What it is, who made it, how it came here.
#agents:
#  - {{name: Somebody, role: creator}}
#rights: {{statement: …, license: "https://creativecommons.org/licenses/by/4.0/"}}
#access: {{level: open}}     # open, restricted or closed; embargo_until: 2040-01-01; reason: …
#languages: [en]

#exclude:                  # left out, and listed in the bag: by name at any depth, or by path
#  - "*.tmp"
#  - cache/
#mode: snapshot            # snapshot: a bag is the folder as it is; accrue: deliveries are added; closed: complete
#max_loss: 10 %            # a run in which more of the files vanished is refused

#metadata:
#  records: metadata.csv   # without this: metadata.csv or .jsonl in the folder or its metadata/, or JSON beside the files
#                          # the column `filename` of a CSV says which file a row is about, by its path in the folder
#  schema: dublin-core     # dublin-core, web-page, collection, or the path of a JSON Schema
#  on_invalid: flag        # flag: report it; refuse: make no bag; hold: leave those files out

#schedule: 0 3 * * *       # when `strongroom serve` archives, and what `strongroom status` holds it to; audits: docs/operations.md
#compression: none         # zstd: small files that shrink are compressed
#scan: clamdscan           # a virus scanner that sees every new content
"""


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = (
        "Write a commented collection manifest for FOLDER, or for the objects below a prefix of a bucket. Nothing is archived, and no "
        "existing file is replaced."
    )
    parser.epilog = "Exit status: 0 written; 2 wrong usage, or the file exists; 3 it could not be written."
    parser.add_argument("folder", metavar="FOLDER", help="the folder to archive, or s3://BUCKET/PREFIX")
    parser.add_argument("--name", help="name of the collection (default: made from the name of the folder)")
    where = "where the bags go: a folder, file:// or s3:// (default: %(default)s)"
    parser.add_argument("--store", metavar="URL", default=_DEFAULT_STORE, help=where)
    parser.add_argument("--output", metavar="FILE", type=Path, help="the file to write (default: manifests/NAME.yaml)")


def run(args: argparse.Namespace) -> int:
    source, called = _look_at(args.folder)
    name = check_collection_name(args.name) if args.name else suggest_name(called)
    output: Path = args.output or manifests_folder() / f"{name}.yaml"
    text = manifest_text(source, called, name, args.store)
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        with output.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise UsageError(f"{output} exists and is not replaced; give another --output or --name") from error
    try:
        manifest = load(output)
    except UsageError:
        output.unlink()  # written a moment ago, by us
        raise
    sys.stderr.write(f"Wrote {printable(str(output))}: look through it.\n")
    named = name if args.output is None else str(output)
    sys.stderr.write(f"Next: strongroom store init {manifest.stores[0].url}   (if there is no store yet)\n")
    sys.stderr.write(f"      strongroom archive {printable(named)}\n")
    return 0


def _look_at(given: str) -> tuple[str, str]:
    """The source as a manifest is to name it, and what it is called. Raises UsageError, SourceError or StoreError if nothing is there."""
    if not given.lower().startswith("s3://"):
        folder = Path(os.path.abspath(Path(given).expanduser()))
        if not folder.is_dir():
            raise UsageError(f"{folder}: expected a folder to archive, found {'a file' if folder.exists() else 'nothing'}")
        return str(folder), folder.name
    from strongroom.stores.open import StoreOptions, open_objects  # noqa: PLC0415

    try:
        place = source_place(given, Path.cwd())
    except ValueError as error:
        raise UsageError(f"expected {error}, found {given!r}") from error
    assert not isinstance(place, Path)
    objects = open_objects(*place, StoreOptions())
    if next(iter(objects.list()), None) is None:
        raise SourceError(f"{objects.url}: no object lies there; check bucket, prefix and AWS_ENDPOINT_URL")
    return objects.url, place[1].rpartition("/")[2] or place[0]


def suggest_name(folder: str) -> str:
    """A collection name for a folder: "Meine Wébsite (2003)" → "meine-website-2003"."""
    plain = unicodedata.normalize("NFKD", folder).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9._]+", "-", plain).strip("-._")[:64].rstrip("-._")
    try:
        return check_collection_name(name)
    except UsageError:
        raise UsageError(f"no collection name can be made from the folder's name {folder!r}; give one with --name") from None


def manifest_text(source: str, title: str, name: str, store: str) -> str:
    """The manifest as text. Paths are absolute, so that it can be moved. Raises UsageError."""
    try:
        url = store_url(store, Path.cwd())
        source.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{source}: its name is not Unicode, which YAML cannot hold; archive it by a file:// URL with %XX") from error
    except ValueError as error:
        raise UsageError(f"--store: expected {error}, found {store!r}") from error
    # A JSON string is a YAML string, whatever is in it.
    quoted = {key: json.dumps(value, ensure_ascii=not value.isprintable()) for key, value in
              {"source": source, "store": url, "title": title or name}.items()}
    return _TEMPLATE.format(name=name, label=json.dumps(name), uuid=uuid.uuid4(), **quoted)

"""Where the records of a source are.

1. `metadata.records` names a file (.csv, .tsv, .txt: a table; .jsonl, .ndjson: lines) or a folder of sidecars.
2. Otherwise metadata.csv or metadata.jsonl in the source or its folder metadata/; more than one is an error.
3. Otherwise sidecars: for a payload file FILE, the payload file FILE.metadata.json beside it, or FILE.json if FILE has an
   extension ("page.html.json" for "page.html"); the latter counts only if it holds a JSON object. The first one found counts.

In a folder of sidecars (1) both names count for any FILE; the folder mirrors the source, and may be the source.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from strongroom.collections.model import MetadataSettings
from strongroom.core.errors import SourceError, UsageError
from strongroom.core.paths import ESCAPED_FOLDER
from strongroom.metadata.files import SourceFiles
from strongroom.metadata.issues import Place
from strongroom.metadata.json_records import read_sidecar
from strongroom.metadata.records import Record
from strongroom.metadata.scratch import Scratch

_KINDS: Final[dict[str, Literal["csv", "jsonl"]]] = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_PLACES: Final = ("metadata.csv", "metadata.jsonl", "metadata/metadata.csv", "metadata/metadata.jsonl")
_SUFFIXES: Final = (".metadata.json", ".json")


@dataclass(frozen=True, slots=True)
class RecordsFile:
    file: Path
    name: str  # as issues call it: its path below the source, or its bare name
    kind: Literal["csv", "jsonl"]


@dataclass(frozen=True, slots=True)
class Sidecars:
    folder: Path | None  # None: beside the files of the source


def find_records(settings: MetadataSettings, files: SourceFiles) -> RecordsFile | Sidecars:
    """Where to read records from. Raises UsageError if what the settings name is not there, or if it cannot be told."""
    given = settings.records
    if given is not None:
        if given.is_dir():
            return Sidecars(given)
        if not given.is_file():
            raise UsageError(f"metadata.records: expected a file or folder, found nothing at {given}")
        if given.suffix.lower() not in _KINDS:
            raise UsageError(f"metadata.records: expected a name ending with {', '.join(_KINDS)}, or a folder of sidecars, found {given}")
        inside = files.folder is not None and given.is_relative_to(files.folder)
        name = given.relative_to(files.folder).as_posix() if inside and files.folder else given.name
        return RecordsFile(given, name, _KINDS[given.suffix.lower()])
    found = [name for name in _PLACES if files.is_file(name)]
    if len(found) > 1:
        raise UsageError(f"{files.place}: records in {' and in '.join(found)}; name the one that counts with metadata.records")
    if found:
        file = files.fetch(found[0])
        if file is None:
            raise SourceError(f"{files.place}/{found[0]}: these records cannot be read; correct that, or set metadata.records")
        return RecordsFile(file, found[0], _KINDS[Path(found[0]).suffix])
    return Sidecars(None)


def read_sidecars(where: Sidecars, files: SourceFiles, scratch: Scratch) -> Iterator[Record]:
    """The sidecars' records in the order of the files they describe. Those in the payload are noted as carriers."""
    number = 0
    for path in scratch.files() if where.folder is not None else scratch.files_with(_SUFFIXES):
        filename = path.removeprefix("data/")
        if filename.startswith(f"{ESCAPED_FOLDER}/"):
            continue  # its name is not Unicode, so no sidecar's name can be made from it
        for suffix in _SUFFIXES:
            sidecar = filename + suffix
            if where.folder is None and not scratch.has_file(f"data/{sidecar}"):
                continue
            sure = where.folder is not None or suffix != ".json"
            if not sure and "." not in filename.rpartition("/")[2][1:]:
                continue
            file = os.path.join(where.folder, sidecar) if where.folder is not None else files.fetch(sidecar)
            if file is None:
                continue
            record = read_sidecar(os.fsencode(file), Place(sidecar, None, None, number + 1), path, filename, sure=sure)
            if record is not None:
                number += 1
                scratch.add_carrier(f"data/{sidecar}")
                yield record
                break

"""Checking all records of a source, in one pass."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

from strongroom.collections.explain import Problem, did_you_mean
from strongroom.collections.model import MetadataSettings
from strongroom.core.canonical import dumps_line
from strongroom.core.findings import Code
from strongroom.metadata.checker import Checker
from strongroom.metadata.checksum_files import add_checksum, read_checksum_files
from strongroom.metadata.csv_records import read_csv
from strongroom.metadata.filenames import escapes, resolve
from strongroom.metadata.files import LocalFiles, SourceFiles
from strongroom.metadata.interface import PathSet, ValidationResult
from strongroom.metadata.issues import Issue, Place
from strongroom.metadata.json_records import read_jsonl
from strongroom.metadata.record_schema import RecordSchema, load_record_schema
from strongroom.metadata.records import Record
from strongroom.metadata.report import Report
from strongroom.metadata.scratch import Scratch
from strongroom.metadata.sources import RecordsFile, Sidecars, find_records, read_sidecars
from strongroom.metadata.suspicions import suspicion
from strongroom.metadata.text import detect
from strongroom.metadata.typed import typed

_SECONDS_PER_RECORD: Final = 10.0


def validate(
    settings: MetadataSettings, source: Path | SourceFiles, work: Path, paths: PathSet, *, seconds_per_record: float = _SECONDS_PER_RECORD
) -> ValidationResult:
    """Read and check the records and supplied checksums of `source` (a folder, or files that lie elsewhere), whose payload will be `paths`.

    Files are written into the folder `work`, which exists; memory does not grow with records or paths. Bad records are findings. Raises
    UsageError if the settings or the schema are at fault, OSError if a records file cannot be read.
    """
    schema = load_record_schema(settings.schema)
    files = LocalFiles(source) if isinstance(source, Path) else source
    where = find_records(settings, files)
    report = Report(work / "validation.json", settings.on_invalid)
    try:
        with Scratch.create(work / "metadata.sqlite", paths) as scratch, (work / "records.jsonl").open("wb") as output:
            run = _Run(settings, schema, scratch, report, output)
            with Checker(schema, seconds_per_record) as checker:
                run.records(where, files, work, checker)
            for issue in read_checksum_files(files, scratch):
                report.add(issue)
            missing = run.undescribed() if settings.every_file or schema.every_file else 0
            held = sum(1 for _ in scratch.held())
        wrong = run.invalid + missing > 0 or run.unreadable
        # Where the records file could not be understood, nobody knows what to hold.
        refused = (settings.on_invalid == "refuse" and wrong) or (settings.on_invalid == "hold" and run.unreadable)
        report.close(held=held, invalid=run.invalid, on_invalid=settings.on_invalid, records=run.count, refused=refused, schema=schema.name)
    finally:
        report.discard()
    return ValidationResult(
        records=run.count, invalid=run.invalid, findings=report.findings, omitted=report.omitted, report=work / "validation.json",
        tag_files=tuple(run.tag_files), refused=refused, database=work / "metadata.sqlite",
    )


class _Run:
    """What grows while records are read."""

    def __init__(self, settings: MetadataSettings, schema: RecordSchema, scratch: Scratch, report: Report, output: IO[bytes]) -> None:
        self.hold = settings.on_invalid == "hold"
        self.schema, self.scratch, self.report, self.output = schema, scratch, report, output
        self.count = self.invalid = 0
        self.unreadable = False  # the records file as a whole could not be understood
        self.tag_files: list[tuple[str, Path]] = []

    def records(self, where: RecordsFile | Sidecars, files: SourceFiles, work: Path, checker: Checker) -> None:
        kept = self._keep(where, work)
        reader = read_sidecars(where, files, self.scratch) if isinstance(where, Sidecars) else self._read(where, kept)
        for record, problems in checker.check(self._prepared(reader)):
            self._finish(record, problems)
        if kept or self.count:
            self.tag_files.append(("metadata/records/records.jsonl", work / "records.jsonl"))
            copy = work / "schema.json"
            copy.write_bytes(self.schema.data)
            self.tag_files.append((f"metadata/schema/{self.schema.name}.json", copy))

    def undescribed(self) -> int:
        """Report every payload file without a record; how many there are."""
        count = 0
        for path in self.scratch.undescribed():
            count += 1
            self.report.add(Issue(Code.FILE_WITHOUT_RECORD, Place(path), expected="a record of this file", found="none"))
            if self.hold:
                self.scratch.hold(path)
        return count

    def _keep(self, where: RecordsFile | Sidecars, work: Path) -> Path | None:
        """Copy the records file: what is checked is what goes into the bag, even if the file changes meanwhile."""
        if isinstance(where, Sidecars):
            return None
        kept = work / f"metadata.{where.kind}"
        shutil.copyfile(where.file, kept)
        self.tag_files.append((f"metadata/records/{kept.name}", kept))
        self.scratch.add_carrier(f"data/{where.name}")
        return kept

    def _read(self, where: RecordsFile, kept: Path | None) -> Iterator[Record | Issue]:
        assert kept is not None
        encoding = detect(kept)
        if encoding.warning:
            yield Issue(Code.RECORD_ENCODING, Place(where.name), encoding.warning)
        yield from read_csv(kept, where.name, encoding) if where.kind == "csv" else read_jsonl(kept, where.name, encoding)

    def _prepared(self, reader: Iterator[Record | Issue] | Iterator[Record]) -> Iterator[tuple[Record, str]]:
        """Each record, with what can be said without the schema, and its JSON for the schema."""
        properties: Mapping[str, Any] = self.schema.value.get("properties", {})
        for item in reader:
            if isinstance(item, Issue):
                self.report.add(item)
                self.unreadable |= item.code is Code.RECORD_INVALID
                continue
            text = item.text() if item.value is not None else None
            if item.value is None or text is None:
                yield item, "null"  # nothing to check, but it keeps its turn: reports are the same on any machine
                continue
            if item.columns is not None:
                text = dumps_line(typed(item.value, properties))
            self._look_up(item)
            yield item, text

    def _look_up(self, record: Record) -> None:
        """Find the file described, and note the checksums that the record brings."""
        assert record.value is not None
        name = record.value.get("filename")
        if record.path is None:
            if not isinstance(name, str) or not name:
                return  # said by the schema, or in _finish
            if reason := escapes(name):
                record.issue(Code.RECORD_PATH, "it was not looked up", member="filename",
                             expected="a path below the source", found=f"{reason}: {name[:200]!r}")
                return
            target = resolve(name, self.scratch)
            record.path = target.path
            if not target.exists:
                record.issue(Code.RECORD_WITHOUT_FILE, member="filename",
                             expected="a file of the collection", found=f"none called {name[:200]!r}")
            elif target.near:
                record.issue(Code.RECORD_ENCODING, f"the name is that of a file only {target.near}", member="filename")
        record.value["filename"] = record.path
        if before := self.scratch.describe(record.path, str(record.place)):
            record.issue(Code.RECORD_DUPLICATE, f"described before, in {before}", member="filename")
        if self.scratch.has_file(record.path):
            self._checksums(record)

    def _checksums(self, record: Record) -> None:
        assert record.value is not None and record.path is not None
        supplied = {name: value for name, value in record.value.items() if name.startswith("checksum.")}
        nested = record.value.get("checksum")
        if isinstance(nested, dict):
            supplied |= {f"checksum.{algorithm}": value for algorithm, value in nested.items()}
        for name, value in supplied.items():
            algorithm = name.removeprefix("checksum.").lower()
            if expected := add_checksum(self.scratch, record.place, record.path, algorithm, value):
                record.issue(Code.RECORD_INVALID, member=name, expected=expected, found=repr(value)[:80])

    def _finish(self, record: Record, problems: list[Problem]) -> None:
        """Report what is known about `record` by now, and write it to records.jsonl."""
        self.count += 1
        value = record.value or {}
        suspicions = {(name, number): words for name, number, text in _texts(value) if (words := suspicion(name, text))}
        for problem in problems:
            member = str(problem.path[0]) if problem.path else ""
            position = problem.path[1] if len(problem.path) > 1 and isinstance(problem.path[1], int) else 0
            hint = suspicions.pop((member, position), "")
            record.issue(Code.RECORD_INVALID, hint and f"it looks like {hint}", member=member, position=position,
                         pointer=problem.pointer, expected=problem.expected, found=problem.found)
        named = isinstance(value.get("filename"), str) and value["filename"]
        if record.value is not None and not named and not any(problem.path[:1] == ("filename",) for problem in problems):
            record.issue(Code.RECORD_INVALID, "a record says which file it describes" + did_you_mean("filename", value), member="filename",
                         expected="the path of a file", found="none")
        for (member, position), words in suspicions.items():
            record.issue(Code.RECORD_SUSPICIOUS, f"it looks like {words}", member=member, position=position)
        for issue in record.issues:
            self.report.add(issue)
        if record.value is not None:
            self.output.write(dumps_line(record.value).encode() + b"\n")
        if record.invalid:
            self.invalid += 1
            if self.hold and record.path is not None:
                self.scratch.hold(record.path)


def _texts(value: Mapping[str, Any]) -> Iterator[tuple[str, int, str]]:
    for name, inner in value.items():
        if name == "filename":
            continue
        for number, text in enumerate(inner if isinstance(inner, list) else [inner]):
            if isinstance(text, str):
                yield name, number, text

"""A worker's share: read contents from some objects, verify each, and identify it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from strongroom.core.formats import Format, extension_of
from strongroom.core.keys import StoreKey
from strongroom.identify.process import IdentificationFailedError, identifier
from strongroom.stores.interface import Store
from strongroom.usecases.restore.contents import Unread, is_streamed, read_run, runs, stream
from strongroom.usecases.restore.outcome import Outcome
from strongroom.usecases.restore.plan import FileRow, Plan


@dataclass(frozen=True, slots=True)
class IdentifyBatch:
    """The objects of `store` to be read; what is wanted of them stands in the plan's job, one file for each content and extension."""

    plan: Path
    scratch: Path
    store: Store
    keys: tuple[str, ...]


@dataclass(slots=True)
class IdentifyResult(Outcome):
    contents: int = 0
    size: int = 0  # bytes of them
    rows: list[tuple[bytes, str, Format]] = field(default_factory=list)
    unidentified: list[tuple[str, str]] = field(default_factory=list)  # payload path, and why there is no verdict


def current_signatures(scratch: Path) -> str:
    """What judges now. In a worker, since asking loads it."""
    return identifier().signatures(scratch)


def identify_batch(batch: IdentifyBatch) -> IdentifyResult:
    """Identify every content that lies in these objects. Raises StoreUnreachableError; a second run does it all again."""
    result = IdentifyResult(batch.keys)
    with Plan(batch.plan) as plan:
        for key in batch.keys:
            result.read_object(batch.store, key, partial(_read, plan, batch, result, key))
    return result


def weigh(result: IdentifyResult) -> tuple[int, int]:
    return result.contents, result.size


def _read(plan: Plan, batch: IdentifyBatch, result: IdentifyResult, text: str, key: StoreKey, unread: Unread) -> list[int]:
    """Identify what the plan wants of the object `text`, reading it at `key`; the contents that are not sound there."""
    failed: list[int] = []
    for run in runs(plan.needs(text)):
        files = plan.files(need.content for need in run)
        if is_streamed(run):
            need = run[0]
            with tempfile.TemporaryFile(dir=batch.scratch) as file:
                if not stream(batch.store, key, need, file.fileno(), unread):
                    failed.append(need.content)
                    continue
                _judge([(need.sha, file.fileno(), one) for one in files.get(need.content, ())], batch.scratch, result)
                result.contents += 1
                result.size += os.fstat(file.fileno()).st_size
            continue
        found: list[tuple[bytes, memoryview, FileRow]] = []
        for need, data in read_run(batch.store, key, run, unread):
            if data is None:
                failed.append(need.content)
                continue
            result.contents += 1
            result.size += len(data)
            found += [(need.sha, data, file) for file in files.get(need.content, ())]
        _judge(found, batch.scratch, result)
    return failed


def _judge(found: Sequence[tuple[bytes, memoryview | int, FileRow]], scratch: Path, result: IdentifyResult) -> None:
    answers = identifier().identify_all([(content, extension_of(file.path)) for _, content, file in found], scratch)
    for (sha256, _, file), answer in zip(found, answers, strict=True):
        verdict: Format | None
        if isinstance(answer, IdentificationFailedError):
            result.unidentified.append((file.path, str(answer)))
            verdict = answer.verdict
        else:
            verdict = answer
        if verdict is not None:
            result.rows.append((sha256, extension_of(file.path), verdict))

"""The PREMIS events of an archive run (docs/format.md, section 7.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from strongroom.catalogue.formats import FormatTotal
from strongroom.collections.model import CollectionManifest
from strongroom.core.digests import Digest
from strongroom.core.events import AGENT, Event, EventType, Outcome
from strongroom.core.findings import Finding, has_errors
from strongroom.core.formats import UNIDENTIFIED
from strongroom.core.plural import plural
from strongroom.core.seal import Seal
from strongroom.core.sizes import human_size
from strongroom.usecases.archive.attempt import Attempt


@dataclass(frozen=True, slots=True)
class Counts:
    """What a run did, as its events say it."""

    files: int
    size: int
    read_files: int
    new_contents: int
    stored_bytes: int
    records: int
    invalid: int
    verified: int
    identified: int  # contents, in this run
    formats: Sequence[FormatTotal]


def agents(manifest: CollectionManifest) -> tuple[str, ...]:
    """The software, and the persons and institutions of the collection manifest."""
    return (AGENT, *(f"{agent.role or 'agent'}: {agent.name}" for agent in manifest.agents))


def before_the_seal(manifest: CollectionManifest, attempt: Attempt, counts: Counts, findings: Sequence[Finding]) -> list[Event]:
    """What the bag itself says of its making."""
    who, what = agents(manifest), (str(attempt.bag), f"attempt:{attempt.id}")
    events = [
        Event(
            EventType.DIGEST, f"{', '.join(manifest.fixity)} of {plural(counts.read_files, 'file')} read in this run; "
            f"{counts.files - counts.read_files} were known unchanged, or carried over", what, agents=who,
        ),
    ]
    if counts.formats:
        events.append(identification(counts.formats, counts.identified, what, who))
    if counts.records:
        outcome = Outcome.WARNING if counts.invalid else Outcome.SUCCESS
        note = f"{plural(counts.invalid, 'record is', 'records are')} invalid, of {counts.records:,}" if counts.invalid else ""
        events.append(Event(EventType.VALIDATION, f"records against {manifest.metadata.schema}", what, outcome, note, who))
    outcome = Outcome.WARNING if has_errors(findings) else Outcome.SUCCESS
    note = f"{plural(len(findings), 'finding')}, errors among them" if has_errors(findings) else ""
    new = plural(counts.new_contents, "content was", "contents were")
    detail = f"{plural(counts.files, 'file')}, {human_size(counts.size)}; {new} new to the store"
    return [*events, Event(EventType.INGESTION, detail, what, outcome, note, who)]


def identification(totals: Sequence[FormatTotal], identified: int, what: Sequence[str], who: Sequence[str]) -> Event:
    """The formats of a payload were identified; `identified`: so many contents just now, the others before."""
    judges = " / ".join(sorted({total.format.signatures for total in totals if total.format.signatures}))
    files = sum(total.files for total in totals)
    known = sum(total.files for total in totals if total.format.puid)
    unknown = sum(total.files for total in totals if total.format.has(UNIDENTIFIED))
    detail = f"{plural(files, 'file')} by {judges or 'what is not remembered'}; {plural(identified, 'content')} in this run, each once"
    outcome = Outcome.WARNING if unknown else Outcome.SUCCESS
    note = f"{plural(known, 'has', 'have')} a PRONOM id, {plural(unknown, 'is', 'are')} unidentified"
    return Event(EventType.IDENTIFICATION, detail, what, outcome, note, who)


def stored_again(manifest: CollectionManifest, seal: Seal, contents: int) -> Event:
    """What the log says when an unchanged collection's contents were missing or damaged in the store."""
    detail = f"stored again from the source: {plural(contents, 'content')} that the store no longer had whole"
    return Event(EventType.REPAIR, detail, (str(seal.bag),), agents=agents(manifest))


def after_the_seal(manifest: CollectionManifest, seal: Seal, digest: Digest, counts: Counts, damaged: int) -> list[Event]:
    """What the log says once the bag is sealed; `damaged`: objects that did not read back."""
    who, what = agents(manifest), (str(seal.bag), f"sha256:{digest}", f"store:{seal.store}")
    events = [Event(EventType.INGESTION, f"sealed; {human_size(counts.stored_bytes)} of packs and large contents stored", what, agents=who)]
    if manifest.readback:
        outcome = Outcome.FAIL if damaged else Outcome.SUCCESS
        objects = plural(counts.verified, "pack or large content", "packs and large contents")
        detail = f"{objects} and every tag file read back from the medium"
        events.append(Event(EventType.FIXITY_CHECK, detail, what, outcome, f"{damaged} damaged" if damaged else "", who))
    return events

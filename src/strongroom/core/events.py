"""PREMIS events (docs/format.md, section 7.1)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from strongroom import __version__

AGENT = f"software: strongroom {__version__}"


class EventType(StrEnum):
    """Labels of the Library of Congress's preservation event vocabulary that we use."""

    INGESTION = "ingestion"
    DIGEST = "message digest calculation"
    VALIDATION = "validation"
    IDENTIFICATION = "format identification"
    VIRUS_CHECK = "virus check"
    QUARANTINE = "quarantine"
    UNQUARANTINE = "unquarantine"
    FIXITY_CHECK = "fixity check"
    REPLICATION = "replication"
    REPAIR = "repair"
    DELETION = "deletion"
    DEACCESSION = "deaccession"
    TRANSFER = "transfer"
    METADATA_EXTRACTION = "metadata extraction"


class Outcome(StrEnum):
    SUCCESS = "success"
    WARNING = "warning"
    FAIL = "fail"


def utc_now() -> str:
    """The time as we write it everywhere, to the second: "2026-11-22T10:00:00Z". A hint: time proves nothing."""
    return utc_text(datetime.now(UTC))


def utc_text(time: datetime) -> str:
    """A time with a zone, as we write it: "2026-11-22T10:00:00Z"."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_utc(text: object) -> datetime | None:
    """The time that `text` says in that form; None if it says none."""
    if not isinstance(text, str) or not text.isascii():
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Event:
    type: EventType
    detail: str
    objects: Sequence[str]
    outcome: Outcome = Outcome.SUCCESS
    note: str = ""
    agents: Sequence[str] = (AGENT,)
    time: str = field(default_factory=utc_now)
    id: str = field(default_factory=lambda: f"urn:uuid:{uuid.uuid4()}")

    def to_json(self) -> dict[str, Any]:
        return {
            "eventIdentifier": self.id,
            "eventType": self.type.value,
            "eventDateTime": self.time,
            "eventDetail": self.detail,
            "eventOutcome": self.outcome.value,
            "eventOutcomeDetailNote": self.note,
            "linkingAgentIdentifier": list(self.agents),
            "linkingObjectIdentifier": list(self.objects),
        }

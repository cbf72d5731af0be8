"""The NDSA Levels of Digital Preservation, version 2 (2019): what each level asks for, in our words, and how that can be shown.

The matrix itself is the National Digital Stewardship Alliance's: https://ndsa.org/publications/levels-of-digital-preservation/. A level is
reached if everything in it and below is met. `By` says what that takes: evidence that the software has, a person's word, both, or either.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

AREAS: Final = ("Storage", "Integrity", "Control", "Metadata", "Content")
NAMES: Final = {1: "Know your content", 2: "Protect your content", 3: "Monitor your content", 4: "Sustain your content"}


class By(Enum):
    EVIDENCE = "evidence"
    ATTESTED = "attested"
    BOTH = "both"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Requirement:
    id: str  # as attestations name it
    area: str
    level: int
    asks: str
    by: By


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the software can say of a requirement. `met` None: it can say nothing either way, and `words` may still help a person."""

    met: bool | None
    words: str = ""
    remedy: str = ""  # what to do where it is not met


@dataclass(frozen=True, slots=True)
class Attested:
    """What a person says of a requirement. `met` None: nobody said anything."""

    met: bool | None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """One requirement, judged."""

    requirement: Requirement
    evidence: Evidence
    attested: Attested

    @property
    def met(self) -> bool:
        one, other = self.evidence.met is True, self.attested.met is True
        match self.requirement.by:
            case By.EVIDENCE:
                return one
            case By.ATTESTED:
                return other
            case By.BOTH:
                return one and other
            case By.EITHER:
                return one or other

    @property
    def missing(self) -> str:
        """What is still to be done, in a sentence or two; "" if it is met."""
        if self.met:
            return ""
        by, parts = self.requirement.by, []
        if by is not By.ATTESTED and self.evidence.met is not True:
            parts.append(self.evidence.remedy or self.evidence.words)
        if by is not By.EVIDENCE and self.attested.met is not True:
            word = "or a person attests" if by is By.EITHER else "a person has to attest"
            parts.append(self.attested.words or f"{word} {self.requirement.id}")
        return "; ".join(part for part in parts if part)


def reached(levels: tuple[Level, ...], area: str) -> int:
    """The highest level of an area of which everything, and everything below it, is met; 0 for none."""
    level = 0
    while level < 4 and all(one.met for one in levels if one.requirement.area == area and one.requirement.level == level + 1):
        level += 1
    return level


def _(ident: str, area: str, level: int, by: By, asks: str) -> Requirement:
    return Requirement(ident, area, level, asks, by)


REQUIREMENTS: Final = (
    _("storage-two-copies", "Storage", 1, By.BOTH, "Two complete copies, kept in different places"),
    _("storage-media-listed", "Storage", 1, By.BOTH, "Every medium that content lies on is written down"),
    _("storage-stable", "Storage", 1, By.BOTH, "Content has been brought onto storage meant to last"),
    _("storage-three-copies", "Storage", 2, By.BOTH, "Three complete copies, one of them somewhere else on the map"),
    _("storage-needs", "Storage", 2, By.ATTESTED, "It is written down what the storage needs in order to work"),
    _("storage-other-threat", "Storage", 3, By.BOTH, "One copy where another kind of disaster threatens than for the rest"),
    _("storage-other-media", "Storage", 3, By.BOTH, "One copy on another kind of medium"),
    _("storage-ageing", "Storage", 3, By.ATTESTED, "Somebody watches storage and media growing old"),
    _("storage-three-threats", "Storage", 4, By.BOTH, "Three copies in places that are threatened by different disasters"),
    _("storage-diversity", "Storage", 4, By.ATTESTED, "Storage differs so much that no single fault reaches all of it"),
    _("storage-plan", "Storage", 4, By.ATTESTED, "There is a plan for storage, software and media that grow old, and it is carried out"),
    _("integrity-supplied", "Integrity", 1, By.EVIDENCE, "Digests that came with the content are checked"),
    _("integrity-made", "Integrity", 1, By.EVIDENCE, "Digests are made where none came"),
    _("integrity-viruses", "Integrity", 1, By.EITHER, "All content is scanned for viruses, and can be held apart"),
    _("integrity-moved", "Integrity", 2, By.EVIDENCE, "Digests are checked whenever content is moved or copied"),
    _("integrity-write-blockers", "Integrity", 2, By.ATTESTED, "Original media are read through write blockers"),
    _("integrity-apart", "Integrity", 2, By.BOTH, "Digests are kept apart from the content as well"),
    _("integrity-intervals", "Integrity", 3, By.EVIDENCE, "Content is read again and checked at fixed intervals"),
    _("integrity-recorded", "Integrity", 3, By.EVIDENCE, "How that is done, and what came of it, is recorded"),
    _("integrity-on-demand", "Integrity", 3, By.EVIDENCE, "Content can be checked at any time"),
    _("integrity-events", "Integrity", 4, By.ATTESTED, "Content is checked after events that may have harmed it"),
    _("integrity-repair", "Integrity", 4, By.EVIDENCE, "Damaged content is repaired or replaced"),
    _("control-decided", "Control", 1, By.ATTESTED, "It is settled which people and programs may read, write, move and delete"),
    _("control-written", "Control", 2, By.ATTESTED, "That is written down, and enforced"),
    _("control-logged", "Control", 3, By.BOTH, "Logs say who or what did something to content"),
    _("control-reviewed", "Control", 4, By.ATTESTED, "Logs are looked through regularly"),
    _("metadata-inventory", "Metadata", 1, By.EVIDENCE, "There is an inventory that says where everything lies"),
    _("metadata-inventory-apart", "Metadata", 1, By.EVIDENCE, "The inventory is backed up, apart from the content"),
    _("metadata-enough", "Metadata", 2, By.EVIDENCE, "There is enough metadata to know what the content is"),
    _("metadata-standards", "Metadata", 3, By.ATTESTED, "It is settled which metadata standards apply"),
    _("metadata-gaps", "Metadata", 3, By.EVIDENCE, "Gaps in the metadata are found and filled"),
    _("metadata-actions", "Metadata", 4, By.EVIDENCE, "What was done to keep the content, and when, is recorded"),
    _("metadata-applied", "Metadata", 4, By.BOTH, "The standards that were chosen are followed"),
    _("content-formats", "Content", 1, By.EVIDENCE, "File formats are recorded, with how and when they were identified"),
    _("content-verified", "Content", 2, By.EITHER, "File formats are verified"),
    _("content-creators", "Content", 2, By.ATTESTED, "Those who make the content are won for formats that last"),
    _("content-obsolescence", "Content", 3, By.ATTESTED, "Somebody watches for formats and programs that die out"),
    _("content-action", "Content", 4, By.ATTESTED, "Content is migrated, normalised or emulated, so that it can be used"),
)

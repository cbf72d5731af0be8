"""What the software can evidence of each requirement of the NDSA levels, out of facts that were gathered for the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from strongroom.core.plural import plural
from strongroom.usecases.page.attest import Attestations, StorePlace
from strongroom.usecases.page.levels import REQUIREMENTS, Attested, Evidence, Level


@dataclass(frozen=True, slots=True)
class Facts:
    """Of the collections that the page shows. A copy is a store that holds every bag of a collection and in which nothing is known to be
    damaged."""

    bags: int
    files: int  # of the latest bags
    copies: dict[str, tuple[StorePlace, ...]]  # by collection
    stores: int
    placed: int  # stores whose medium is attested
    unread: tuple[str, ...]  # stores some bytes of which were not read within the days allowed, or never
    unaudited: tuple[str, ...]  # stores that no audit of this installation ever finished reading
    damaged: int  # objects known to be damaged or missing
    no_readback: tuple[str, ...]  # collections that are archived without reading back
    undescribed: tuple[str, ...]  # collections without title or description
    standards: tuple[str, ...]  # of descriptive records
    gaps: tuple[str, ...]  # collections of which the last archive run found records or files wanting
    identified: int  # files of the latest bags whose format is recorded
    doubtful: int  # files of the latest bags that were not identified, or have another extension than their content
    signatures: tuple[str, ...]  # what identified them
    scanned: Evidence  # whether all content was scanned for viruses
    signed: bool  # whether this installation signs bags

    @property
    def least(self) -> int:
        """Copies of the collection that has the fewest."""
        return min((len(places) for places in self.copies.values()), default=0)

    def differing(self, what: Callable[[StorePlace], str | None]) -> int:
        """In how many different places the copies of the collection lie that has the fewest such."""
        return min((len({said for one in places if (said := what(one))}) for places in self.copies.values()), default=0)


_SAME: Final = "the software does so in every run; nothing turns it off"


def judge(facts: Facts, attestations: Attestations) -> tuple[Level, ...]:
    """Every requirement with what is known of it."""
    evidence = _evidence(facts)
    places = _places(facts)

    def attested(ident: str) -> Attested:
        place, word = places.get(ident), attestations.of(ident)
        return place if place is not None and (place.met is not None or word.met is None) else word

    return tuple(Level(one, evidence.get(one.id, Evidence(None)), attested(one.id)) for one in REQUIREMENTS)


def _places(facts: Facts) -> dict[str, Attested]:
    """What follows from the places of stores that a person attested."""
    locations, threats = facts.differing(lambda one: one.location), facts.differing(lambda one: one.threat)
    media = facts.differing(lambda one: one.media)

    def said(count: int, least: int, what: str, field: str) -> Attested:
        words = f"copies of every collection lie {what.format(count)}"
        if count >= least:
            return Attested(True, words)
        wanted = f"a person has to attest for the stores, by `{field}`, that copies lie {what.format(least)}"
        return Attested(False if count else None, wanted)

    apart = said(locations, 2, "at {} different places", "location")
    return {
        "storage-two-copies": apart, "storage-three-copies": apart, "integrity-apart": apart,
        "storage-other-threat": said(threats, 2, "where {} different disasters threaten", "threat"),
        "storage-three-threats": said(threats, 3, "where {} different disasters threaten", "threat"),
        "storage-other-media": said(media, 2, "on {} kinds of medium", "media"),
        "storage-media-listed": Attested(
            None if not facts.placed else facts.placed == facts.stores,
            f"{facts.placed} of {plural(facts.stores, 'store')} with a medium attested, by `media`",
        ),
    }


def _evidence(facts: Facts) -> dict[str, Evidence]:
    held = facts.bags > 0
    nothing = "archive something"
    copies = f"{plural(facts.least, 'complete copy', 'complete copies')} of each collection, without known damage, at least"
    more = "add stores to the collection manifests and run `strongroom due`"
    own = Evidence(held, _SAME, nothing)
    return {
        "storage-two-copies": Evidence(facts.least >= 2, copies, more),
        "storage-media-listed": Evidence(facts.stores > 0, f"{plural(facts.stores, 'store')}, each listed here", nothing),
        "storage-stable": Evidence(held, f"{plural(facts.bags, 'bag')} sealed in stores", nothing),
        "storage-three-copies": Evidence(facts.least >= 3, copies, more),
        "storage-needs": Evidence(None, "every store holds a README.txt that says what it takes to restore from it"),
        "storage-other-threat": Evidence(facts.least >= 2, copies, more),
        "storage-other-media": Evidence(facts.least >= 2, copies, more),
        "storage-three-threats": Evidence(facts.least >= 3, copies, more),
        "integrity-supplied": own,
        "integrity-made": Evidence(held, f"every one of {plural(facts.files, 'file')} has a SHA-256 at least, in its bag", nothing),
        "integrity-viruses": facts.scanned,
        "integrity-moved": _none(
            facts.no_readback, held, _SAME, "archived without reading back", "set `readback: true` in their collection manifests"),
        "integrity-apart": Evidence(facts.least >= 2, f"manifests lie in every store with the bags: {copies}", more),
        "integrity-intervals": _none(
            facts.unread, held, "every stored byte was read within the days allowed", "not all read within the days allowed",
            "run `strongroom audit`"),
        "integrity-recorded": _none(
            facts.unaudited, held, "results lie in each store below checks/ and in its log", "never audited", "run `strongroom audit`"),
        "integrity-on-demand": _none(
            facts.unaudited, held, "`strongroom audit` has done so in every store", "never audited", "run `strongroom audit`"),
        "integrity-events": Evidence(
            None, "restoring, replicating, repairing and importing check every byte; after other events a person has to ask"),
        "integrity-repair": Evidence(
            held and facts.damaged == 0 and facts.least >= 2,
            f"{plural(facts.damaged, 'object')} known to be damaged; {copies}",
            "run `strongroom repair`" if facts.damaged else more),
        "control-written": Evidence(None, "restricted and embargoed collections are shown to nobody by the pages this software makes"),
        "control-logged": Evidence(
            held, "each store has a log in which every batch names the one before; bags made here are "
            + ("signed" if facts.signed else "not signed, so that logs name programs, not people"), nothing),
        "control-reviewed": Evidence(None, "audits check that no log was altered, and `strongroom report --log` prints what it says"),
        "metadata-inventory": Evidence(held, "the catalogue, and seals and manifests in every store", nothing),
        "metadata-inventory-apart": Evidence(
            facts.least >= 2, f"any store is enough to learn the catalogue again (`strongroom rebuild`): {copies}", more),
        "metadata-enough": _none(
            facts.undescribed, held, "every collection has a title and a description", "without title or description",
            "add them to their collection manifests"),
        "metadata-standards": Evidence(
            None, f"records are held against: {', '.join(facts.standards) or 'nothing'}; events are PREMIS, bags BagIt 1.0"),
        "metadata-gaps": _none(
            facts.gaps, held, "the last run over each collection found no record wanting", "with records or files wanting",
            "see the findings of their last archive run"),
        "metadata-actions": Evidence(held, "PREMIS events in every bag and in every store's log", nothing),
        "metadata-applied": Evidence(held and not facts.gaps, "records are validated in every run", "fill the gaps first"),
        "content-formats": Evidence(
            held and facts.identified >= facts.files,
            f"formats of {facts.identified:,} of {plural(facts.files, 'file')} are recorded"
            + (f", by {', '.join(facts.signatures)}" if facts.signatures else ""),
            "archive with `identify: true`"),
        "content-verified": Evidence(
            held and facts.identified >= facts.files and facts.doubtful == 0,
            f"{plural(facts.doubtful, 'file')} not identified, or with another extension than their content",
            f"{plural(facts.doubtful, 'file')} not identified, or with another extension than their content: look at them"),
    }


def _none(bad: Iterable[str], held: bool, good: str, wanting: str, remedy: str) -> Evidence:
    """Met if nothing is wanting."""
    names = sorted(bad)
    if not names:
        return Evidence(held, good, "archive something")
    some = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    return Evidence(False, f"{wanting}: {some}", f"{wanting}: {some}; {remedy}")

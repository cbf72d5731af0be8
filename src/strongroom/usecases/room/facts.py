"""What is known about one content: its format, where it lies and when that was last looked at, and what is nearly the same."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from strongroom.catalogue import Catalogue
from strongroom.catalogue.checks import AuditRow, audits_of, last_known_checks
from strongroom.catalogue.formats import format_of
from strongroom.catalogue.likeness import Member, Pair, members, pairs_of
from strongroom.catalogue.places import content_places
from strongroom.core.digests import Digest
from strongroom.core.formats import Format, extension_of
from strongroom.core.outcomes import CheckOutcome
from strongroom.usecases.room.room import Room
from strongroom.usecases.room.tree import Bag

_NEAR = 20  # near-copies that are listed
_AUDITS = 5  # of each store


@dataclass(frozen=True, slots=True)
class Copy:
    """An object of a store that holds the content, and what the last audit found there; None: none has met it."""

    url: str
    key: str
    outcome: CheckOutcome | None
    time: str | None  # UTC, a hint
    believed_damaged: bool


@dataclass(frozen=True, slots=True)
class Near:
    pair: Pair
    members: tuple[Member, ...]  # where the other one is found; at least one


@dataclass(frozen=True, slots=True)
class Facts:
    format: Format | None
    copies: tuple[Copy, ...]
    audits: tuple[tuple[str, AuditRow], ...]  # by URL of the store, those that may have met it; newest first
    near: tuple[Near, ...]


def facts(room: Room, digest: Digest, bag: Bag, path: bytes, names: Collection[str], seen: Collection[str]) -> Facts:
    """About a content in a file of a bag at `path`; `names`: the collections that have it and may be seen, `seen`: all that may be."""
    with Catalogue.open(room.context.catalogue) as catalogue:
        verdict = format_of(catalogue, digest.raw, extension_of(path.decode("utf-8", "replace"))) or format_of(catalogue, digest.raw)
        copies = []
        holding = room.shelves.holding(names)
        for place in content_places(catalogue, digest.raw, names):
            if place.store not in holding:
                continue
            checks = last_known_checks(catalogue, catalogue.store_number(place.store), place.key)
            url = room.shelves.url(place.store)
            copies += [Copy(url, one.key.text, one.outcome, one.time, place.damaged) for one in checks]
            if not checks:
                copies.append(Copy(url, place.key.text, None, None, place.damaged))
        scopes = ("", bag.name, f"{bag.name}/v{bag.version}")
        audits = [
            (address.url, audit) for address in room.shelves.addresses(holding)
            for audit in audits_of(catalogue, catalogue.store_number(address.id or ""), scopes, _AUDITS)
        ]
        near = []
        for pair in pairs_of(catalogue, digest, seen=seen)[:_NEAR]:
            if found := members(catalogue, pair.b, seen=seen):
                near.append(Near(pair, tuple(found)))
    return Facts(verdict, tuple(copies), tuple(sorted(audits, key=lambda one: one[1].began, reverse=True)), tuple(near))

"""The rules of docs/format.md, section 6, that the model obeys, and the ways in which one of them can be broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: The steps of an attempt, in order. The trace test holds the program to the same order.
ATTEMPT: Final = ("open", "sweep", "content", "tags", "seal")


@dataclass(frozen=True, slots=True)
class Rules:
    """Every rule kept. Each planted change breaks one."""

    order: tuple[str, ...] = ATTEMPT
    opens: bool = True  # an attempt writes `open`
    reads_sweep: bool = True  # and reads `sweep/` after it
    condemned_is_left: bool = True  # a key that a sweep named is never counted on or written again: the next generation is
    create_only: bool = True  # nothing is replaced
    looks_again: bool = True  # an attempt after a lost one looks again at what the lost one stored
    two_steps: bool = True  # a sweep says what it condemns before it deletes
    awaits_attempts: bool = True  # it waits for, or voids, whoever was open then
    records_first: bool = True  # it lists who is open after its record is durable
    reads_seals_again: bool = True
    stores_anew_first: bool = True  # it deletes a pack after what bags need of it lies elsewhere, not before
    reads_back: bool = True  # and after it read that
    anew_elsewhere: bool = True  # at a key that no sweep named
    keeps_voids: bool = True  # a seal that voids a number stays
    heeds_void: bool = True  # a replica is not sealed beside a void
    repairs_beside: bool = True  # damage is answered with the next generation
    verifies_source: bool = True  # bytes are verified before they are written anywhere


#: Name → rules with one change. Every one must lead to harm.
PLANTED: Final[dict[str, Rules]] = {
    "skip open": Rules(opens=False),
    "rely before open": Rules(order=("content", "open", "sweep", "tags", "seal")),
    "read sweep/ before open": Rules(order=("sweep", "open", "content", "tags", "seal")),
    "do not read sweep/ after open": Rules(reads_sweep=False),
    "count on a condemned key that holds the right bytes": Rules(condemned_is_left=False),
    "trust what a lost attempt stored": Rules(looks_again=False),
    "seal first": Rules(order=("open", "sweep", "seal", "content", "tags")),
    "seal before the tag files": Rules(order=("open", "sweep", "content", "seal", "tags")),
    "overwrite instead of create-only": Rules(create_only=False),
    "sweep in one step": Rules(two_steps=False),
    "sweep without waiting for open attempts": Rules(awaits_attempts=False),
    "sweep lists open attempts before its record": Rules(records_first=False),
    "sweep does not read the seals again": Rules(reads_seals_again=False),
    "sweep deletes a pack before it stores anew what is needed of it": Rules(stores_anew_first=False),
    "sweep deletes a pack before the new one is read back": Rules(reads_back=False),
    "sweep stores anew at a key that a sweep named": Rules(anew_elsewhere=False),
    "sweep removes seals that void a number": Rules(keeps_voids=False),
    "seal a replica beside a void": Rules(heeds_void=False),
    "repair by overwriting": Rules(repairs_beside=False),
    "repair from unverified bytes": Rules(verifies_source=False),
}

"""One store and everybody at work on it, as one immutable, hashable value; and what must hold in it at any moment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

#: What is withheld, and past its grace: it counts as needed by nobody, and whatever holds it has to go.
WITHHELD: Final = "w"

Key = tuple[str, int]  # the contents that an object holds, a letter each (more than one: a pack), and its generation
Object = tuple[str, int, bool]  # …, and whether its bytes are right
Attempt = tuple[str, int, str, int]  # collection, number, who, which try of theirs
Seal = tuple[str, int, Attempt | None]  # None voids the number


class Local(NamedTuple):
    """What one process knows. It is lost when the process dies."""

    step: str = "look"
    at: int = 0  # within a step that has parts
    tries: int = 0
    number: int = 0
    condemned: frozenset[Key] = frozenset()  # as read from sweep/
    relied: frozenset[Key] = frozenset()
    before_open: frozenset[Key] = frozenset()  # for the invariant: what sweep/ named when this attempt opened
    keys: frozenset[Key] = frozenset()  # a sweep's; or the damage a repair is about
    keep: frozenset[str] = frozenset()  # contents a sweep still has to store anew before it deletes
    anew: Key | None = None  # what it stored last, and has not read back
    waits: frozenset[Attempt] = frozenset()
    good: bool = True  # whether the bytes a repair fetched are right


class State(NamedTuple):
    """The store, the other store's health, what may still go wrong, and everybody's mind."""

    objects: frozenset[Object] = frozenset()
    opens: frozenset[Attempt] = frozenset()
    closed: frozenset[Attempt] = frozenset()
    tagged: frozenset[Attempt] = frozenset()  # attempts whose tag files are whole
    seals: frozenset[Seal] = frozenset()
    ever: frozenset[Seal] = frozenset()  # every seal that was ever seen: history, not in the store
    record: frozenset[Key] = frozenset()  # all that sweep/ names
    hurt: frozenset[Key] = frozenset()  # damaged by the world and not swept: history
    other_sound: bool = True  # whether the other store's copies are
    harm: int = 0  # how often the world may still damage something
    minds: tuple[Local, ...] = ()


def contents_of(attempt: Attempt, needs: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return needs[attempt[2]]


def needed(seals: Iterable[Seal], needs: dict[str, tuple[str, ...]]) -> set[str]:
    return {content for _, _, attempt in seals if attempt is not None for content in contents_of(attempt, needs)}


def complaint(state: State, needs: dict[str, tuple[str, ...]]) -> str | None:
    """What is wrong with a state, or None."""
    keys = {(content, generation) for content, generation, _ in state.objects}
    there = {content for held, generation, sound in state.objects if sound or (held, generation) in state.hurt for content in held}
    sealed: dict[tuple[str, int], set[Attempt | None]] = {}
    for collection, number, attempt in state.ever:
        sealed.setdefault((collection, number), set()).add(attempt)
        if attempt is None:
            continue
        if attempt not in state.tagged:
            return f"{collection}/v{number} is sealed without its tag files"
        for content in contents_of(attempt, needs):
            if content not in there:
                return f"the sealed bag {collection}/v{number} of {attempt[2]} has lost the content {content}"
        if (collection, number, attempt) not in state.seals:
            return f"the sealed bag {collection}/v{number} of {attempt[2]} is gone"
    for (collection, number), attempts in sealed.items():
        if len(attempts) > 1:
            return f"the number {collection}/v{number} was used twice"
    for content, generation in state.hurt:
        if (content, generation, False) not in state.objects:
            return f"the damage of {content}~{generation} is hidden: nobody swept it, and it is no longer to be seen"
    assert len(keys) == len(state.objects)
    return None

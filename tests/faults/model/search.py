"""Exhaustive search, breadth first: every interleaving, every crash; the first harm that is found is a shortest one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from tests.faults.model.attempts import Move
from tests.faults.model.rules import Rules
from tests.faults.model.state import Local, State, complaint


class Actor(Protocol):
    """Somebody who acts on the store."""

    @property
    def name(self) -> str: ...
    def start(self) -> Local: ...
    def moves(self, state: State, index: int, rules: Rules) -> Iterator[Move]: ...


@dataclass(frozen=True, slots=True)
class World:
    """Who is there, and how the store is when they begin."""

    name: str
    actors: tuple[Actor, ...]
    needs: dict[str, tuple[str, ...]]  # the contents of the bag each of them makes
    begin: State

    def first(self) -> State:
        return self.begin._replace(minds=tuple(actor.start() for actor in self.actors))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search came to. `harm` None: there is none within the bounds."""

    states: int
    harm: str | None
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.harm is None:
            return f"{self.states:,} states, no harm"
        return "\n".join([f"{self.harm}, after {len(self.path)} steps:", *(f"  {n:2}. {step}" for n, step in enumerate(self.path, 1))])


def search(world: World, rules: Rules, most: int = 10_000_000) -> Outcome:
    """Every state that can be reached. Raises MemoryError beyond `most` states: a bound that cuts the search short proves nothing."""
    first = world.first()
    seen: dict[State, tuple[State, str] | None] = {first: None}
    level: Sequence[State] = [first]
    while level:
        following = []
        for state in level:
            for index, actor in enumerate(world.actors):
                for label, after, wrong in actor.moves(state, index, rules):
                    if after not in seen:
                        seen[after] = (state, label)
                        wrong = wrong or complaint(after, world.needs)
                        following.append(after)
                    if wrong is not None:
                        return Outcome(len(seen), wrong, (*_path(seen, state), label))
        if len(seen) > most:
            raise MemoryError(f"{world.name}: more than {most:,} states")
        level = following
    return Outcome(len(seen), None)


def _path(seen: dict[State, tuple[State, str] | None], state: State) -> tuple[str, ...]:
    steps: list[str] = []
    while (came := seen[state]) is not None:
        state, label = came
        steps.append(label)
    return tuple(reversed(steps))

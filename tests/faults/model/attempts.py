"""Archivers and replicators, step by step. Each step is one call to the store that either takes effect or does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults.model.rules import Rules
from tests.faults.model.state import Attempt, Key, Local, Object, State

Move = tuple[str, State, str | None]  # what happens, what is then, and what is wrong with doing it


def mind(state: State, index: int, local: Local) -> State:
    minds = list(state.minds)
    minds[index] = local
    return state._replace(minds=tuple(minds))


def place(
    state: State, content: str, condemned: frozenset[Key], rules: Rules, *, packs: bool = True,
) -> tuple[Key, frozenset[Object], bool]:
    """The key that holds a content after `put_or_generation`, the objects then, and whether it was there before; `packs`: in one of several
    contents as well."""
    for held, generation, sound in sorted(state.objects) if packs else ():
        if sound and content in held != content and not (rules.condemned_is_left and (held, generation) in condemned):
            return (held, generation), state.objects, True
    generation = 0
    while True:
        key = (content, generation)
        if rules.condemned_is_left and key in condemned:
            generation += 1
        elif (*key, True) in state.objects:
            return key, state.objects, True
        elif (*key, False) in state.objects:
            generation += 1
        else:
            return key, state.objects | {(*key, True)}, False


@dataclass(frozen=True, slots=True)
class Archiver:
    """Makes one bag of a collection: the next number, whatever happens to its attempts."""

    name: str
    contents: tuple[str, ...]
    collection: str = "c"
    tries: int = 2  # attempts, by a lost number or a crash

    def start(self) -> Local:
        return Local()

    def moves(self, state: State, index: int, rules: Rules) -> Iterator[Move]:
        local = state.minds[index]
        if local.step == "done":
            return
        if local.step == "look":
            number = 1 + max((n for c, n, _ in state.seals if c == self.collection), default=0)
            after = local._replace(step=rules.order[0], number=number)
            yield f"{self.name} looks: the next number is {number}", mind(state, index, after), None
            return
        yield from self._step(state, index, local, rules)
        if local.tries + 1 < self.tries:
            yield f"{self.name} dies and is started again", mind(state, index, Local(tries=local.tries + 1)), None

    def _attempt(self, local: Local) -> Attempt:
        return self.collection, local.number, self.name, local.tries

    def _after(self, step: str, rules: Rules) -> str:
        at = rules.order.index(step) + 1
        return rules.order[at] if at < len(rules.order) else "done"

    def _step(self, state: State, index: int, local: Local, rules: Rules) -> Iterator[Move]:
        attempt, step = self._attempt(local), local.step
        following = local._replace(step=self._after(step, rules), at=0)
        if step == "open":
            opened = state._replace(opens=state.opens | {attempt}) if rules.opens else state
            yield f"{self.name} writes open", mind(opened, index, following._replace(before_open=state.record)), None
        elif step == "sweep":
            read = state.record if rules.reads_sweep else frozenset()
            yield f"{self.name} reads sweep/: {names_of(read)}", mind(state, index, following._replace(condemned=read)), None
        elif step == "content":
            yield self._content(state, index, local, following, rules)
        elif step == "tags":
            tagged = state._replace(tagged=state.tagged | {attempt})
            yield f"{self.name} writes its tag files", mind(tagged, index, following), None
        else:
            yield from self._seal(state, index, local, following, rules)

    def _content(self, state: State, index: int, local: Local, following: Local, rules: Rules) -> Move:
        content = self.contents[local.at]
        last = local.at + 1 == len(self.contents)
        trusted = next((key for key in local.relied if key[0] == content), None)
        if trusted is not None:  # only where `looks_again` is broken
            key, objects, there = trusted, state.objects, True
        else:
            key, objects, there = place(state, content, local.condemned, rules)
        relied = frozenset() if rules.looks_again else local.relied | {key}
        after = local._replace(relied=relied, at=local.at + 1)
        if last:  # what it read is of no further use, and forgetting it keeps the number of states small
            after = following._replace(relied=relied, condemned=frozenset(), before_open=frozenset())
        wrong = f"{self.name} relies on {name_of(key)}, which a sweep had condemned before it opened" if key in local.before_open else None
        verb = "relies on" if there else "writes"
        return f"{self.name} {verb} {name_of(key)}", mind(state._replace(objects=objects), index, after), wrong

    def _seal(self, state: State, index: int, local: Local, following: Local, rules: Rules) -> Iterator[Move]:
        attempt = self._attempt(local)
        seal = (self.collection, local.number, attempt)
        taken = {one for one in state.seals if one[:2] == seal[:2]}
        if not taken or not rules.create_only:
            sealed = state._replace(seals=(state.seals - taken) | {seal}, ever=state.ever | {seal})
            after = following if following.step != "done" else Local("done")
            yield f"{self.name} seals {self.collection}/v{local.number}", mind(sealed, index, after), None
            return
        closed = state._replace(closed=state.closed | {attempt}) if rules.opens else state
        again = local.tries + 1 < self.tries
        after = Local(tries=local.tries + 1, relied=local.relied) if again else Local("done")
        yield f"{self.name} finds v{local.number} taken and closes its attempt", mind(closed, index, after), None


@dataclass(frozen=True, slots=True)
class Replicator(Archiver):
    """Brings a bag that another store sealed: the number and the attempt are given, and so is `open`, however often it is tried."""

    collection: str = "r"

    def _attempt(self, local: Local) -> Attempt:
        return self.collection, 1, self.name, 0

    def _seal(self, state: State, index: int, local: Local, following: Local, rules: Rules) -> Iterator[Move]:
        seal = (self.collection, 1, self._attempt(local))
        if rules.heeds_void and (self.collection, 1, None) in state.seals:
            yield f"{self.name} finds its number void and stops", mind(state, index, Local("done")), None
            return
        sealed = state._replace(seals=state.seals | {seal}, ever=state.ever | {seal})
        yield f"{self.name} seals {self.collection}/v1", mind(sealed, index, Local("done")), None


def name_of(key: Key) -> str:
    return f"{key[0]}~{key[1]}" if key[1] else key[0]


def names_of(keys: frozenset[Key]) -> str:
    return ", ".join(map(name_of, sorted(keys))) or "nothing"

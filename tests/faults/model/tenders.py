"""Those who tend what is stored: a sweeper, a repairer; and the world, which damages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults.model.attempts import Move, mind, name_of, names_of, place
from tests.faults.model.rules import Rules
from tests.faults.model.state import WITHHELD, Attempt, Key, Local, State, needed


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Condemns, waits for whoever is open (or voids them), reads the seals again, stores anew what bags need of what goes, deletes. May
    die anywhere and begin anew."""

    needs: dict[str, tuple[str, ...]]
    name: str = "sweeper"
    rounds: int = 2

    def start(self) -> Local:
        return Local()

    def moves(self, state: State, index: int, rules: Rules) -> Iterator[Move]:
        local = state.minds[index]
        if local.step == "done":
            return
        yield from getattr(self, f"_{local.step}")(state, index, local, rules)
        if local.step != "look" and local.tries + 1 < self.rounds:
            yield f"{self.name} dies and is started again", mind(state, index, Local(tries=local.tries + 1)), None

    def _judge(self, state: State, keys: frozenset[Key] | None) -> tuple[frozenset[Key], frozenset[str]]:
        """Of `keys` (of all objects) those that may go, and the contents that must lie elsewhere first.

        What no bag needs; what is damaged beside a sound one that stays; what holds something withheld; what sweeps named although it is
        needed: nobody may count on it there.
        """
        wanted = needed(state.seals, self.needs) - {WITHHELD}
        going, keep = set(), set()
        for held, generation, good in state.objects:
            key = (held, generation)
            if keys is not None and key not in keys:
                continue
            here = wanted & set(held)
            stays = any(good and other == held and (other, number) not in state.record for other, number, good in state.objects)
            if not here or (WITHHELD not in held and not good and stays):
                going.add(key)
            elif good and (WITHHELD in held or (key in state.record and not stays)):
                going.add(key)
                keep |= here
        return frozenset(going), frozenset(keep)

    def _look(self, state: State, index: int, local: Local, rules: Rules) -> Iterator[Move]:
        keys, _ = self._judge(state, None)
        if keys:
            step = "delete" if not rules.two_steps else "record" if rules.records_first else "opens"
            yield f"{self.name} finds unneeded: {names_of(keys)}", mind(state, index, local._replace(step=step, keys=keys)), None

    def _record(self, state: State, index: int, local: Local, rules: Rules) -> Iterator[Move]:
        after = local._replace(step="opens" if rules.records_first else "wait")
        yield f"{self.name} writes its record", mind(state._replace(record=state.record | local.keys), index, after), None

    def _opens(self, state: State, index: int, local: Local, rules: Rules) -> Iterator[Move]:
        waits = frozenset(one for one in state.opens if not _decided(state, one)) if rules.awaits_attempts else frozenset()
        after = local._replace(step="wait" if rules.records_first else "record", waits=waits)
        yield f"{self.name} lists open attempts: {len(waits)}", mind(state, index, after), None

    def _wait(self, state: State, index: int, local: Local, rules: Rules) -> Iterator[Move]:
        left = frozenset(one for one in local.waits if not _decided(state, one))
        for attempt in left:
            void = (attempt[0], attempt[1], None)
            voided = state._replace(seals=state.seals | {void}, ever=state.ever | {void})
            yield f"{self.name} voids {attempt[0]}/v{attempt[1]}", mind(voided, index, local._replace(waits=left - {attempt})), None
        if not left:
            step = "again" if rules.reads_seals_again else "delete"
            yield f"{self.name} waits for nobody", mind(state, index, local._replace(step=step, waits=left)), None

    def _again(self, state: State, index: int, local: Local, rules: Rules) -> Iterator[Move]:
        keys, keep = self._judge(state, local.keys)
        if rules.stores_anew_first and keep:
            after = local._replace(step="anew", keys=keys, keep=keep, condemned=state.record)
        else:
            after = local._replace(step="delete", keys=keys, keep=keep, condemned=state.record)
        yield f"{self.name} reads the seals again and condemns {names_of(keys)}", mind(state, index, after), None

    def _anew(self, state: State, index: int, local: Local, rules: Rules) -> Iterator[Move]:
        """Store what bags need of what goes at a key that no sweep names. What was just stored may not be what was given."""
        content = min(local.keep)
        at, objects, there = place(state, content, local.condemned if rules.anew_elsewhere else frozenset(), rules, packs=False)
        after = local._replace(step="read_back", anew=at) if rules.reads_back else self._stored(local, content)
        yield f"{self.name} stores {name_of(at)} anew", mind(state._replace(objects=objects), index, after), None
        if state.harm and not there:
            torn = state._replace(objects=state.objects | {(*at, False)}, harm=state.harm - 1)
            yield f"{self.name} stores {name_of(at)} anew, and the store keeps other bytes", mind(torn, index, after), None

    def _read_back(self, state: State, index: int, local: Local, rules: Rules) -> Iterator[Move]:
        assert local.anew is not None
        if (*local.anew, True) in state.objects:
            after = self._stored(local, local.anew[0])
            yield f"{self.name} reads {name_of(local.anew)} back", mind(state, index, after), None
        else:
            tries = local.tries + 1
            after = Local(tries=tries) if tries < self.rounds else Local("done")
            yield f"{self.name} finds {name_of(local.anew)} damaged or gone, and deletes nothing", mind(state, index, after), None

    def _stored(self, local: Local, content: str) -> Local:
        keep = local.keep - {content}
        return local._replace(step="anew" if keep else "delete", keep=keep, anew=None)

    def _delete(self, state: State, index: int, local: Local, rules: Rules) -> Iterator[Move]:
        if local.keys:
            key = min(local.keys)
            gone = {(*key, True), (*key, False)}
            swept = state._replace(objects=state.objects - gone, hurt=state.hurt - {key})
            yield f"{self.name} deletes {name_of(key)}", mind(swept, index, local._replace(keys=local.keys - {key})), None
            return
        if local.keep:  # only where it does not store anew first
            yield f"{self.name} turns to what is needed", mind(state, index, local._replace(step="anew")), None
            return
        seals = state.seals if rules.keeps_voids else frozenset(one for one in state.seals if one[2] is not None)
        tries = local.tries + 1
        after = Local(tries=tries) if tries < self.rounds else Local("done")
        yield f"{self.name} is done", mind(state._replace(seals=seals), index, after), None


def _decided(state: State, attempt: Attempt) -> bool:
    return attempt in state.closed or any(one[:2] == attempt[:2] for one in state.seals)


@dataclass(frozen=True, slots=True)
class Repairer:
    """Answers damage of what a bag needs with sound bytes from the other store."""

    needs: dict[str, tuple[str, ...]]
    name: str = "repairer"

    def start(self) -> Local:
        return Local()

    def moves(self, state: State, index: int, rules: Rules) -> Iterator[Move]:
        local = state.minds[index]
        if local.step == "look":
            wanted = needed(state.seals, self.needs)
            for content, generation, sound in state.objects:
                if not sound and content in wanted and not any(good for other, _, good in state.objects if other == content):
                    after = local._replace(step="fetch", keys=frozenset({(content, generation)}))
                    yield f"{self.name} finds {name_of((content, generation))} damaged", mind(state, index, after), None
        elif local.step == "fetch":
            if state.other_sound or not rules.verifies_source:
                after = local._replace(step="sweep", good=state.other_sound)
                yield f"{self.name} fetches bytes from the other store", mind(state, index, after), None
            else:
                yield f"{self.name} finds the other copy damaged too, and says so", mind(state, index, Local("done")), None
        elif local.step == "sweep":
            yield f"{self.name} reads sweep/", mind(state, index, local._replace(step="write", condemned=state.record)), None
        elif local.step == "write":
            yield self._write(state, index, local, rules)

    def _write(self, state: State, index: int, local: Local, rules: Rules) -> Move:
        (key,) = local.keys
        if rules.repairs_beside:
            at, objects, _ = place(state, key[0], local.condemned, rules)
            if not local.good:
                objects = objects - {(*at, True)} | {(*at, False)}
        else:
            at = key
            objects = state.objects - {(*key, False)} | {(*key, local.good)}
        sound = (*at, True) in objects
        wrong = None if sound else f"{self.name} reports {key[0]} repaired, and its bytes are wrong"
        return (f"{self.name} writes {name_of(at)} and reports the repair",
                mind(state._replace(objects=objects), index, Local("done")), wrong)


@dataclass(frozen=True, slots=True)
class World:
    """Damages a stored object, or the other store's copies, as often as the state allows."""

    name: str = "world"

    def start(self) -> Local:
        return Local()

    def moves(self, state: State, index: int, rules: Rules) -> Iterator[Move]:
        if not state.harm:
            return
        less = state._replace(harm=state.harm - 1)
        for content, generation, sound in state.objects:
            if sound:
                key = (content, generation)
                hurt = less._replace(objects=state.objects - {(*key, True)} | {(*key, False)}, hurt=state.hurt | {key})
                yield f"{name_of(key)} rots", hurt, None
        if state.other_sound:
            yield "the other store's copies rot", less._replace(other_sound=False), None

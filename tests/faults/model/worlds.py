"""The small worlds that are searched: each puts together those whose steps can cross."""

from __future__ import annotations

from typing import Final

from tests.faults.model.attempts import Archiver, Replicator
from tests.faults.model.search import Actor, World
from tests.faults.model.state import State
from tests.faults.model.tenders import Repairer, Sweeper
from tests.faults.model.tenders import World as Damage

#: What a run that died long ago left: nobody needs it, and a sweep will want it gone.
_LEFT: Final = State(objects=frozenset({("x", 0, True)}))
#: A pack with what is withheld beside what an archiver will count on; and the store tears one thing that is written.
_PACK: Final = State(objects=frozenset({("wx", 0, True)}), harm=1)


def worlds(*, large: bool = False) -> list[World]:
    """`large`: more tries and more people at once, for the command line."""
    made = [
        _world("an archiver, a sweeper, a repairer and rot", [Archiver("ann", ("x",), tries=1)], rot=2),
        _world("two archivers and a sweeper", [Archiver("ann", ("x",)), Archiver("ben", ("x",), tries=1)]),
        _world("an archiver, a replicator and a sweeper", [Archiver("ann", ("x",), tries=1), Replicator("rob", ("x",), tries=2)]),
        _world("a pack with what is withheld, and a sweeper that dies", [Archiver("ann", ("x",))], sweep=2, begin=_PACK),
    ]
    if large:
        made += [
            _world("two archivers that die, and a sweeper that dies", [Archiver("ann", ("x",)), Archiver("ben", ("x",))], sweep=2),
            _world("two archivers with two contents", [Archiver("ann", ("x", "y")), Archiver("ben", ("y", "x"), tries=1)], sweep=2),
            _world("a replicator, and a sweeper that dies", [Archiver("ann", ("x",)), Replicator("rob", ("x",))], sweep=2),
            _world("two sweepers, of which one was thought dead", [Archiver("ann", ("x",))], sweepers=2),
            _world("two sweepers and a pack with what is withheld", [Archiver("ann", ("x",))], sweep=2, sweepers=2, begin=_PACK),
            _world("two archivers and a pack with what is withheld", [Archiver("ann", ("x",)), Archiver("ben", ("x",))], begin=_PACK),
            _world("rot, and a sweeper that dies", [Archiver("ann", ("x",)), Archiver("ben", ("x",), tries=1)], sweep=2, rot=2),
        ]
    return made


def _world(
    name: str, writers: list[Archiver], *, sweep: int = 1, sweepers: int = 1, rot: int = 0, begin: State | None = None,
) -> World:
    needs = {writer.name: writer.contents for writer in writers}
    sweeping = [Sweeper(needs, name=f"sweeper {number + 1}" if sweepers > 1 else "sweeper", rounds=sweep) for number in range(sweepers)]
    tending: list[Actor] = [Repairer(needs), Damage()] if rot else []
    return World(name, (*writers, *sweeping, *tending), needs, _LEFT._replace(harm=rot) if begin is None else begin)

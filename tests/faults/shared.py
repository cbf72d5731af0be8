"""Row: machines that share a store and a catalogue in PostgreSQL, and what may happen to them, or to its server, meanwhile."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.faults import reading
from tests.faults.kills import litter
from tests.faults.oracle import judge
from tests.faults.place import Place, Result, finish, kill_session, payload
from tests.fixtures.postgres import PostgresServer, running_postgres

SCHEMA = "strongroom"
#: How a command may say that it ended with 3, by what happens meanwhile.
BUSY = ("another run is archiving", "another run is sweeping", "[sweep-waits]", "in use by another run")
GONE = ("cannot be reached, or stopped answering",)


def machines(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
    """Two machines archive one collection at the same moment, and one of them another with the same contents. Meanwhile, in turn: a third
    sweeps and one is killed; a third makes the catalogue again; its server is stopped without warning and started again."""
    with running_postgres() as server:
        one = Place(folder / "place", env=server.env(server.place(folder, SCHEMA))).make()
        for number in range(tries):
            one.edit(chance)
            one.write("large", chance.randbytes(5 << 20))
            round_ = Round(server, one, chance)
            (round_.swept_and_killed, round_.made_again, round_.without_server)[number % 3]()
            yield [f"{number}: {what}" for what in round_.wrong + round_.settle()]


class Round:
    """What the machines do at once. `wrong`: what should not have happened."""

    def __init__(self, server: PostgresServer, one: Place, chance: random.Random) -> None:
        self._server, self._one, self._chance = server, one, chance
        self._two = Place(one.root, one.stores, one.name, "home-2", env=one.env)
        self._other = Place(one.root, one.stores, "other", "home-2", env=one.env)
        self._third = Place(one.root, one.stores, one.name, "home-3", env=one.env)
        self._manifests = {place.name: place.manifest for place in (one, self._other)}
        self.wrong: list[str] = []

    # -- what happens

    def swept_and_killed(self) -> None:
        litter(self._one.store, self._chance)
        running = self._archives()
        sweep = self._third.start("sweep", "--store", self._one.store, "--yes", "--no-prefect", "--quiet", "--workers", "1")
        self._wait(2)
        killed = self._chance.randrange(len(running))
        kill_session(running[killed].pid)
        self._end([*running, sweep], BUSY, killed=killed)

    def made_again(self) -> None:
        running = self._archives()
        self._wait(2)
        again = self._third.start("rebuild", "--store", self._one.store, "--replace", "--no-prefect", "--quiet", "--workers", "1")
        self._end([*running, again], BUSY)

    def without_server(self) -> None:
        running = self._archives()
        self._wait(2)
        self._server.stop()
        self._wait(1)
        self._server.start()
        self._end(running, BUSY + GONE)

    def _archives(self) -> list[subprocess.Popen[str]]:
        running = []
        for place in self._chance.sample([self._one, self._two, self._other], 3):
            running.append(place.start("archive", self._manifests[place.name], "--no-prefect", "--quiet", "--json", "--workers", "1"))
            self._wait(0.2)
        return running

    def _wait(self, longest: float) -> None:
        time.sleep(self._chance.uniform(0, longest))

    def _end(self, running: list[subprocess.Popen[str]], reasons: tuple[str, ...], killed: int | None = None) -> None:
        for number, result in enumerate([finish(process, 600) for process in running]):
            if number == killed and result.status == -9:
                continue
            self._judge(result, {0, 3})
            if result.status == 3 and not any(reason in result.err for reason in reasons):
                self.wrong.append(f"ended with 3 and said: {result.err}")

    # -- and what is true afterwards

    def settle(self) -> list[str]:
        """Each collection can be archived, its newest bag is the source, every bag is whole, and no history has a gap."""
        self.wrong = []
        for place in (self._chance.choice([self._one, self._two]), self._other):
            self._judge(place.run("archive", self._manifests[place.name], "--no-prefect", "--quiet", "--json", "--workers", "1"), {0})
            if reading.newest(place.store, place.name) != payload(place.source):
                self.wrong.append(f"the newest bag of {place.name} is not the source")
        self._restore(self._chance.choice([self._one, self._two, self._other]))
        self._judge(self._two.run("log", "verify", "--no-prefect", "--quiet", "--workers", "1"), {0})
        self.wrong += judge(self._one, None, None)
        labels = [seal["bag"] for seal in reading.sealed(self._one.store).values()]
        if len(labels) != len(set(labels)):
            self.wrong.append(f"two bags under one label: {sorted(labels)}")
        known = {seal for (seal,) in self._server.ask(f"SELECT encode(seal, 'hex') FROM {SCHEMA}.bags")}
        if known != reading.sealed(self._one.store).keys():
            self.wrong.append(f"the catalogue knows {len(known)} bags, and the store has {len(labels)}")
        if left := self._server.ask("SELECT nspname FROM pg_namespace WHERE nspname LIKE %s", f"{SCHEMA}_new_%"):
            self.wrong.append(f"left behind: {left}")
        return self.wrong

    def _restore(self, place: Place) -> None:
        out = place.root / "out"
        self._judge(place.run("restore", place.name, out, "--payload-only", "--no-prefect", "--quiet", "--workers", "1"), {0})
        if payload(out) != payload(place.source):
            self.wrong.append(f"{place.name} was restored otherwise")
        shutil.rmtree(out, ignore_errors=True)

    def _judge(self, result: Result, allowed: set[int]) -> None:
        if result.status not in allowed or "internal error" in result.said or "Traceback" in result.said:
            self.wrong.append(f"exit status {result.status}: {result.said[-1500:]}")
        if self._server.password in result.said:
            self.wrong.append("the password was shown")

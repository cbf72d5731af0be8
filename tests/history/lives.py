"""Random lives of stores to which nothing bad happens: nobody may be accused. And what is done to one at the end must be found.

The long set: `python -m tests.history.lives [--lives 100] [--seed 1]`.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

from strongroom.core.errors import StoreError, UsageError
from strongroom.runner.local import LocalRunner
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.due.run import due
from tests.fixtures.seals import summed
from tests.history.conftest import GRAVE, Past
from tests.replicate.conftest import Place

STORES = ("one", "two", "three")
#: By collection, where its bags belong: what is only in one store must not be told in others.
PLACES = {"site": ["one", "two", "three"], "public": ["one", "two"], "private": ["one"]}


class Life:
    """Some weeks of archiving, replicating and auditing, with disks that come and go, in a place of three stores."""

    def __init__(self, root: Path, runner: LocalRunner, chance: random.Random) -> None:
        self.past = Past(Place(root, runner, offline=True))
        self.place, self.chance = self.past.place, chance
        for store in STORES:
            self.place.add_store(store)
        self.attached = set(STORES)
        self.said: list[str] = []
        self.audits: list[str] = []  # what audits found, which must be nothing

    def step(self) -> None:
        name = self.chance.choice([*PLACES, "site"])
        what = self.chance.choices(["archive", "replicate", "due", "audit", "swap", "lose home", "void"], [8, 4, 1, 2, 5, 0.4, 0.4])[0]
        self.said.append(f"{what} {name} {sorted(self.attached)}")
        try:
            self._do(what, name)
        except (StoreError, UsageError) as error:  # the disk that is needed is in the drawer, or nothing is known yet
            self.said[-1] += f": {error}"

    def _do(self, what: str, name: str) -> None:
        order = self.chance.sample(PLACES[name], len(PLACES[name]))
        match what:
            case "archive":
                self.place.write(name, f"{self.chance.randrange(8)}.txt", self.chance.randbytes(300))
                self.place.archive(name, order, "max_loss: 1.0\n")
            case "replicate":
                self.place.replicate(name, order)
            case "due":
                due([self.place.manifest(name, PLACES[name])], self.place.context, self.place.runner)
            case "audit":
                self.audits += map(str, audit(AuditRequest(), self.place.context, self.place.runner).findings)
            case "swap":
                self.swap(self.chance.choice(STORES))
            case "lose home":
                shutil.rmtree(self.place.context.home, ignore_errors=True)
            case "void":
                self._void(name)

    def _void(self, name: str) -> None:
        """Take the number out of use that is next in an attached store."""
        store = self.chance.choice([store for store in PLACES[name] if store in self.attached] or [""])
        if store and self.attached == set(STORES):
            taken = [int(path.parent.name[1:]) for one in STORES for path in self.place.folder(one).glob(f"bags/{name}/v*/seal.json")]
            bag = f"{name}/v{max(taken, default=0) + 1}"
            path = self.place.folder(store) / f"bags/{bag}/seal.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(summed({
                "format": "strongroom-seal/1", "bag": bag, "attempt": None, "previous": None, "sealed": "2026-01-01T00:00:00Z"}))

    def swap(self, store: str) -> None:
        if store in self.attached and len(self.attached) > 1:
            self.place.detach(store)
            self.attached.remove(store)
        elif store not in self.attached:
            self.place.attach(store)
            self.attached.add(store)

    def accused(self) -> list[str]:
        """What is said against the stores that are attached now, by no catalogue and by the one there is."""
        wrong = [one for one in self.audits if "-missing" in one]
        for home in ("empty home", "home"):
            report = self.past.verify(*sorted(self.attached), home=home)
            wrong += [f"{home}: {one}" for one in report.findings if one.code.label in GRAVE]
        return wrong

    def attach_all(self) -> None:
        for store in STORES:
            if store not in self.attached:
                self.swap(store)

    def put_back_is_found(self) -> list[str]:
        """One store is put back to before a bag that another learned of; what is missed by those that must find it."""
        self.attach_all()
        store, *others = self.chance.sample(["one", "two"], 2)
        copy = self.past.copy(store)
        self.place.write("site", "last.txt", self.chance.randbytes(50))
        self.place.archive("site", [store, *others], "max_loss: 1.0\n")
        self.place.replicate("site", PLACES["site"])
        self.past.put_back(store, copy)
        said = self.past.said("one", "two")
        return [] if ("store-rolled-back", store) in said and {one for _, one in said} == {store} else [f"{store} was put back: {said}"]


def live(root: Path, runner: LocalRunner, seed: str, steps: int) -> list[str]:
    """One life; what was wrong, with the story."""
    root.mkdir()
    life = Life(root, runner, random.Random(seed))
    for name in PLACES:
        life.place.write(name, "first.txt", name.encode())
    wrong: list[str] = []
    for _ in range(steps):
        life.step()
        if life.chance.random() < 0.3:
            wrong += life.accused()
    life.attach_all()
    wrong += life.accused()
    if not wrong:
        wrong += life.put_back_is_found()
    return [f"life {seed}: {' | '.join(life.said)}", *wrong] if wrong else []


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.history.lives", description=__doc__)
    parser.add_argument("--lives", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="strongroom-lives-") as folder, LocalRunner(1, quiet=True) as runner:
        for number in range(args.lives):
            wrong = live(Path(folder) / str(number), runner, f"{args.seed}-{number}", 30)
            failed += bool(wrong)
            print("\n    ".join(wrong), end="\n" if wrong else "", flush=True)
            shutil.rmtree(Path(folder) / str(number))
    print(f"{args.lives} lives, {failed} with an accusation or a miss")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

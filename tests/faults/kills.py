"""Rows: SIGKILL, at every step and at any moment; SIGTERM and Ctrl-C."""

from __future__ import annotations

import hashlib
import itertools
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.faults import reading
from tests.faults.oracle import KILLED, catalogued, converges, judge
from tests.faults.place import Place, Result, finish, orphans, payload, snapshot
from tests.imports.archives import END, tar_of
from tests.verify.conformance.builder import Builder

QUIET = ("--no-prefect", "--quiet", "--workers", "1")
VERBS = ("archive", "restore", "audit", "replicate", "repair", "import", "rebuild", "sweep")
_FRESH = 20  # tries in one place before a new one is made
#: More than any command here takes on a slow machine, in seconds.
_LONG = 300


class Job:
    """One verb in a place of two stores, with what it is about to do and what must be there afterwards."""

    def __init__(self, verb: str, root: Path) -> None:
        self.verb = verb
        self.strays: list[Path] = []
        self.prepared = 0
        self.place = Place(root, stores=["store", "copy"] if verb in ("replicate", "repair") else ["store"]).make()
        for number in range(2):
            self.place.write(f"large-{number}", random.Random(number).randbytes(5 << 20))
        self.archive()
        if verb == "replicate":
            self.place.run(*self.arguments())

    def archive(self) -> Result:
        if self.verb == "import":
            self.pack()
            return self.place.run(*self.arguments())
        return self.place.archive(*(["--no-replicate"] if self.verb == "replicate" else []))

    def pack(self) -> None:
        """The source as a bag of somebody else's."""
        files = {f"data/{name}": data for name, data in payload(self.place.source).items()}
        bag = Builder(version="1.0", algorithms=("sha512",), payload=files).write(self.place.root / "made")
        (self.place.root / "bag.tar").write_bytes(tar_of(bag) + END)
        shutil.rmtree(bag)

    def arguments(self) -> tuple[str | Path, ...]:
        match self.verb:
            case "archive":
                return ("archive", self.place.manifest, "--json", *QUIET)
            case "import":
                store = self.place.store
                return ("import", self.place.root / "bag.tar", "--store", store, "--collection", self.place.name, "--json", *QUIET)
            case "restore":
                return ("restore", self.place.name, self.place.root / "restored", "--payload-only", *QUIET)
            case "replicate":
                return ("replicate", self.place.manifest, *QUIET)
            case "sweep":
                return ("sweep", "--yes", *QUIET)
            case "rebuild":
                return ("rebuild", "--store", self.place.store, "--replace", *QUIET)
        return (self.verb, *QUIET)

    def prepare(self, chance: random.Random) -> None:
        """Something for the verb to do. What only reads has all to do again each time, so that a new bag now and then is enough."""
        self.prepared += 1
        if self.verb in ("restore", "audit", "rebuild") and self.prepared % 4 != 1:
            shutil.rmtree(self.place.root / "restored", ignore_errors=True)
            return
        self.place.edit(chance)
        if self.verb == "restore":
            shutil.rmtree(self.place.root / "restored", ignore_errors=True)
        if self.verb == "import":
            self.pack()
        elif self.verb != "archive":
            done = self.archive()
            assert done.status == 0, done.err
        if self.verb == "sweep":
            self.strays = litter(self.place.store, chance)
        if self.verb == "repair":
            copy = self.place.root / "copy"
            there = [path for path in [*copy.glob("packs/*/*.tar"), *copy.glob("content/*/*")] if "~" not in path.name]
            damage(chance.choice(sorted(path for path in there if not path.with_name(path.name + "~1").exists())), chance)
            assert self.place.run("audit", *QUIET).status == 1

    def whole(self) -> list[str]:
        """What is wrong with the result of the verb, seen from outside."""
        if self.verb == "restore" and payload(self.place.root / "restored") != payload(self.place.source):
            return ["(d) what was restored is not the source"]
        if self.verb in ("replicate", "repair"):
            try:
                if reading.newest(self.place.root / "copy", self.place.name) != payload(self.place.source):
                    return ["(d) the copy is not the source"]
            except reading.Broken as error:
                return [f"(d) {error}"]
        if self.verb == "rebuild":
            return self._rebuilt()
        if self.verb == "sweep":
            return [f"(d) not swept: {path.name}" for path in self.strays if path.exists()]
        left = [path.name for path in self.place.root.glob(".restored*")]
        return [f"(d) left behind: {left}"] if left else []

    def _rebuilt(self) -> list[str]:
        """The catalogue knows every bag there is, and the next run stores nothing."""
        listed, there = catalogued(self.place.root / self.place.home), set(reading.bags(self.place.store))
        wrong = [] if listed == there else [f"(d) the catalogue has {len(listed)} bags, the store {len(there)}"]
        report = self.archive().report()
        if (report["outcome"], report["stored"]["bytes"]) != ("unchanged", 0):
            wrong.append(f"(d) the next run: {report['outcome']}, {report['stored']} stored")
        return wrong

    def again(self) -> list[str]:
        """Run the same command once more; what is wrong then. A folder that was restored whole is not restored over."""
        if self.verb == "restore" and (self.place.root / "restored").exists():
            return self.whole()
        return converges(self.place, lambda: self.place.run(*self.arguments())) + self.whole()

    def half(self) -> list[str]:
        """What must not be seen after the verb was cut off."""
        restored = self.place.root / "restored"
        if self.verb == "rebuild" and len(catalogued(self.place.root / self.place.home)) not in (0, len(reading.bags(self.place.store))):
            return ["a half rebuilt catalogue has the place of a whole one"]
        if self.verb == "restore" and restored.exists() and payload(restored) != payload(self.place.source):
            return ["a half restored folder has the name of a whole one"]
        return []


def litter(store: Path, chance: random.Random) -> list[Path]:
    """What runs that were cut off leave: a content that no bag needs, and tag files of an attempt whose number is taken."""
    data = chance.randbytes(20_000)
    name = hashlib.sha256(data).hexdigest()
    attempt = f"bags/site/v1/{chance.randbytes(16).hex()}"
    files = {f"content/{name[:2]}/{name}": data, f"{attempt}/open": b"{}\n", f"{attempt}/bag/bagit.txt": data[:100]}
    for key, bytes_ in files.items():
        path = store / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes_)
    return [store / key for key in files]


def damage(path: Path, chance: random.Random) -> None:
    """One wrong bit."""
    path.chmod(0o644)
    with path.open("r+b") as file:
        at = chance.randrange(path.stat().st_size)
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1 << chance.randrange(8)]))


def at_any_moment(verb: str) -> Callable[[Path, random.Random, int], Iterator[list[str]]]:
    """SIGKILL to all of its processes at some moment of its work; the row yields what is wrong after each try."""

    def row(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
        for number in range(tries):
            if number % _FRESH == 0:
                job = Job(verb, folder / str(number))
                moments = _moments(job, chance)
            yield _cut_off(job, moments, signal.SIGKILL, chance)

    return row


def interrupted(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
    """SIGTERM and SIGINT in turn, to every verb in turn: exit 130, and the same holds."""
    jobs = {verb: Job(verb, folder / verb) for verb in VERBS[: max(1, min(tries, len(VERBS)))]}
    moments: dict[str, int] = {}
    for number, verb, stop in zip(range(tries), itertools.cycle(jobs), itertools.cycle((signal.SIGTERM, signal.SIGINT)), strict=False):
        job = jobs[verb]
        if verb not in moments:
            moments[verb] = _moments(job, chance)
        yield [f"try {number}: {one}" for one in _cut_off(job, moments[verb], stop, chance)]


def _moments(job: Job, chance: random.Random) -> int:
    """How many there are in a whole run (sitecustomize.Moment)."""
    job.prepare(chance)
    result, said = _signalled(job, 0, 0, signal.SIGTERM)
    assert result.status == 0, result.err
    return int(said)


def _cut_off(job: Job, moments: int, stop: signal.Signals, chance: random.Random) -> list[str]:
    """Of so many moments as another run had; where this run has fewer, an earlier one is tried."""
    number, calls = chance.randrange(1, moments + 1), chance.choice([0, chance.randrange(1, 300)])
    said, wrong = "", list[str]()
    while said != "hit" and not wrong and number:
        job.prepare(chance)
        before = snapshot(job.place.source)
        result, said = _signalled(job, number, calls, stop)
        allowed = 0 if said != "hit" else -stop if stop is signal.SIGKILL else 130
        wrong += judge(job.place, before, result, allowed={allowed}, known=job.verb == "repair") + job.half()
        wrong += job.again()
        wrong = [f"{job.verb} stopped by {stop.name} at moment {number} of {moments}, {calls} calls: {one}" for one in wrong]
        number //= 2
    return wrong if said == "hit" else [*wrong, f"{job.verb} was never stopped by {stop.name}"]


def _signalled(job: Job, number: int, calls: int, stop: signal.Signals) -> tuple[Result, str]:
    """What came of it, and what Moment said: "hit", or how many moments there were."""
    file = job.place.root.parent / "moment"
    file.unlink(missing_ok=True)
    moment = {"file": str(file), "number": number, "calls": calls, "signal": stop}
    with job.place.start(*job.arguments(), fault={"signal": moment}) as process:
        result = finish(process, _LONG)
    left = orphans(process.pid)
    assert not left, f"processes outlive the command: {left}"
    return result, file.read_text()


def after_each_step(verb: str) -> Callable[[Path, random.Random, int], Iterator[list[str]]]:
    """SIGKILL right after each write to a store and each commit to the catalogue; `tries` of them (0: all)."""

    def row(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
        job = Job(verb, folder / verb)
        job.prepare(chance)
        log = folder / f"{verb}.log"
        job.place.run(*job.arguments(), fault={"log": str(log)})
        steps = _steps_of(log)
        wanted = range(1, len(steps) + 1)
        for number in sorted(chance.sample(wanted, min(tries, len(steps)))) if tries else wanted:
            job.prepare(chance)
            before = snapshot(job.place.source)
            log.unlink()
            with job.place.start(*job.arguments(), fault={"log": str(log), "kill_after": number}) as process:
                result = finish(process, _LONG)
            wrong = [f"processes outlive the command: {left}"] if (left := orphans(process.pid)) else []
            reached = len(_steps_of(log)) >= number  # a run may have a step less than the one that was counted
            wrong += judge(job.place, before, result, allowed=KILLED if reached else {0}, known=verb == "repair")
            wrong += job.half()
            wrong += job.again()
            yield [f"{verb} killed after step {number} of {len(steps)}, {steps[number - 1]}: {one}" for one in wrong]

    return row


def _steps_of(log: Path) -> list[str]:
    return [line for line in log.read_text().splitlines() if line.startswith("step ")]

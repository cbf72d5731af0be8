"""Several machines, each with a STRONGROOM_HOME of its own, one catalogue in PostgreSQL and one S3 server archive collections that share
contents, while they are killed: `python -m tests.database.machines [--kills 20] [--collections 8] [--files 1000] [--shared 100]`.

Nothing may be lost: each collection has one bag, sealed once; all that is stored is sound; all that was archived comes back. What is
counted is read from the bucket and the sources, without the product. `--machines 1` beside `--machines 2`, no kills, is the throughput.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.fixtures.postgres import PostgresServer, running_postgres
from tests.fixtures.seaweedfs import S3Server, make_bucket, running_server

ROOT = Path(__file__).parents[2]
_BUCKET = "machines"
_LONG = 1800  # seconds that one command may take
_ENDS_IN = (0.0, 6.0)  # seconds after it began in which a command that is to be killed is
_BUSY = "another run is archiving"


@dataclass(frozen=True)
class Plan:
    collections: int = 8
    files: int = 1000  # of each collection
    shared: int = 100  # of these, with contents that every collection has
    machines: int = 2
    kills: int = 0
    seed: int = 0


@dataclass
class Outcome:
    plan: Plan
    seconds: float = 0.0
    kills: int = 0
    busy: int = 0  # times that a machine met another at the same collection
    sealed: Counter[str] = field(default_factory=Counter)  # by collection
    stored: int = 0  # places of contents in the bucket
    distinct: int = 0  # contents that lie there
    wanted: int = 0  # contents that the sources have
    wrong: list[str] = field(default_factory=list)

    @property
    def again(self) -> int:
        return self.stored - self.distinct

    def rows(self) -> Iterator[tuple[str, str]]:
        yield "machines", str(self.plan.machines)
        yield "collections, files in each, shared by all", f"{self.plan.collections}, {self.plan.files}, {self.plan.shared}"
        yield "killed (SIGKILL)", str(self.kills)
        yield "met another at the same collection", str(self.busy)
        yield "bags sealed, of them more than once", f"{sum(self.sealed.values())}, {sum(count > 1 for count in self.sealed.values())}"
        yield "contents in the sources, in the store", f"{self.wanted}, {self.distinct}"
        yield "stored more than once", f"{self.again} ({100 * self.again / max(1, self.stored):.2f} %)"
        yield "wrong", "; ".join(self.wrong) or "nothing"
        yield "seconds to archive", f"{self.seconds:.0f}"


class Trial:
    """The machines' homes, sources and manifests lie below `root`."""

    def __init__(self, root: Path, plan: Plan, s3: S3Server, postgres: PostgresServer) -> None:
        self.root, self.plan, self._s3, self._postgres = root, plan, s3, postgres
        self._place = postgres.place(root)
        self._chance = random.Random(plan.seed)
        self.names = [f"c{number}" for number in range(plan.collections)]
        self._waiting = deque(self.names)
        self._lock = threading.Lock()
        self._kills_left = plan.kills
        self._outcome = Outcome(plan)
        self.store = f"s3://{_BUCKET}/{root.name}"

    def run(self) -> Outcome:
        make_bucket(self._s3.client(), _BUCKET)
        self._make_sources()
        self.command(0, "store", "init", self.store)
        began = time.monotonic()
        machines = [threading.Thread(target=self._work, args=(number,)) for number in range(self.plan.machines)]
        for machine in machines:
            machine.start()
        for machine in machines:
            machine.join()
        self._outcome.seconds = time.monotonic() - began
        self._count()
        self._prove()
        return self._outcome

    def command(self, machine: int, *arguments: str) -> subprocess.CompletedProcess[str]:
        with self._start(machine, *arguments) as process:
            output, errors = process.communicate(timeout=_LONG)
        if process.returncode:
            self._outcome.wrong.append(f"{' '.join(arguments)}: {process.returncode}: {errors.strip()[-300:]}")
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    # -- archiving

    def _work(self, machine: int) -> None:
        """Take one collection after the other; one whose run was killed goes back to where everybody takes from."""
        while True:
            with self._lock:
                if not self._waiting:
                    return
                name = self._waiting.popleft()
                delay = self._chance.uniform(*_ENDS_IN) if self._kills_left > 0 else None
                self._kills_left -= delay is not None
            status, errors = self._archive(machine, name, delay)
            with self._lock:
                self._kills_left += delay is not None and status != -signal.SIGKILL
                if status == -signal.SIGKILL:
                    self._outcome.kills += 1
                elif status == 0:
                    # Archived again by whoever comes next, as long as there are kills to spend: nothing has changed, and nothing may.
                    if self._kills_left > 0:
                        self._waiting.append(name)
                    continue
                elif _BUSY in errors:
                    self._outcome.busy += 1
                else:
                    self._outcome.wrong.append(f"archive {name}: {status}: {errors.strip()[-300:]}")
                    continue
                self._waiting.append(name)

    def _archive(self, machine: int, name: str, delay: float | None) -> tuple[int, str]:
        with self._start(machine, "archive", str(self.root / f"{name}.yaml"), "--quiet", "--workers", "1") as process:
            try:
                _, errors = process.communicate(timeout=_LONG if delay is None else delay)
            except subprocess.TimeoutExpired:
                process.kill()  # the command alone: its workers are left to notice, as after any death
                _, errors = process.communicate(timeout=_LONG)
            return process.returncode, errors

    def _start(self, machine: int, *arguments: str) -> subprocess.Popen[str]:
        environment = {
            **os.environ, **self._s3.env, **self._postgres.env(self._place), "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
            "STRONGROOM_HOME": str(self.root / f"machine-{machine}"), "STRONGROOM_MANIFESTS": str(self.root), "STRONGROOM_RUNNER": "local",
        }
        return subprocess.Popen([sys.executable, "-m", "strongroom", *arguments], env=environment, text=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)

    def _make_sources(self) -> None:
        shared = [self._chance.randbytes(self._chance.randrange(1, 8000)) for _ in range(self.plan.shared)]
        for name in self.names:
            for number in range(self.plan.files):
                data = shared[number] if number < self.plan.shared else self._chance.randbytes(self._chance.randrange(1, 8000))
                file = self.root / name / f"{self._chance.randrange(10):x}" / f"{number}.bin"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
            (self.root / f"{name}.yaml").write_text(f"collection: {name}\nsource: {self.root / name}\nstores: ['{self.store}']\n")

    # -- afterwards

    def _count(self) -> None:
        """From the bucket and the sources themselves."""
        client, prefix = self._s3.client(), self.root.name + "/"
        contents: Counter[str] = Counter()
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=_BUCKET, Prefix=prefix):
            for entry in page.get("Contents", ()):
                key = entry["Key"].removeprefix(prefix)
                parts = key.split("/")
                if parts[0] == "bags" and parts[-1] == "seal.json":
                    self._outcome.sealed[parts[1]] += 1
                elif parts[0] == "content":
                    contents[parts[-1]] += 1
                elif parts[0] == "packs" and key.endswith(".jsonl"):
                    lines = client.get_object(Bucket=_BUCKET, Key=entry["Key"])["Body"].read().splitlines()[:-1]
                    contents.update(json.loads(line)["sha256"] for line in lines)
        wanted = {hashlib.sha256(path.read_bytes()).hexdigest() for name in self.names for path in (self.root / name).rglob("*.bin")}
        self._outcome.stored, self._outcome.distinct, self._outcome.wanted = contents.total(), len(contents), len(wanted)
        if missing := wanted - contents.keys():
            self._outcome.wrong.append(f"{len(missing)} contents are not in the store")
        if set(self._outcome.sealed) != set(self.names) or max(self._outcome.sealed.values()) > 1:
            self._outcome.wrong.append(f"seals: {dict(self._outcome.sealed)}")

    def _prove(self) -> None:
        """All that is stored is sound, all machines know the same, and everything comes back."""
        self.command(0, "audit", "--full", "--quiet")
        listed = {self.command(machine, "list", "--json").stdout for machine in range(self.plan.machines)}
        if len(listed) != 1 or len(json.loads(next(iter(listed)))["bags"]) != len(self.names):
            self._outcome.wrong.append("the machines do not list the same bags")
        (self.root / "restored").mkdir()
        for number, name in enumerate(self.names):
            place = self.root / "restored" / name
            self.command(number % self.plan.machines, "restore", name, str(place), "--payload-only", "--quiet")
            if subprocess.run(["diff", "-rq", self.root / name, place], capture_output=True, check=False).returncode:
                self._outcome.wrong.append(f"{name} does not come back as it was")
            shutil.rmtree(place, ignore_errors=True)


@contextmanager
def servers() -> Iterator[tuple[S3Server, PostgresServer]]:
    with running_server() as s3, running_postgres() as postgres:
        yield s3, postgres


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in vars(Plan()).items():
        parser.add_argument(f"--{name}", type=int, default=default)
    plan = Plan(**vars(parser.parse_args()))
    with servers() as (s3, postgres), tempfile.TemporaryDirectory(prefix="machines-") as folder:
        outcome = Trial(Path(folder), plan, s3, postgres).run()
    width = max(len(name) for name, _ in outcome.rows())
    for name, value in outcome.rows():
        print(f"{name:{width}}  {value}")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())

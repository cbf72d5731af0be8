"""What archives at several places at once, while it is killed, has to keep: the sources, the counting and the proof.

Nothing may be lost: each collection has one bag, sealed once; all that is stored is sound; all that was archived comes back. What is
counted is read from the bucket and the sources, without the product.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import subprocess
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUSY = "another run is archiving"


@dataclass(frozen=True)
class Plan:
    collections: int = 8
    files: int = 1000  # of each collection
    shared: int = 100  # of these, with contents that every collection has
    machines: int = 2
    kills: int = 0
    seed: int = 0

    @classmethod
    def asked(cls, description: str | None, **fixed: int) -> Plan:
        """By the command line, where each field but those that are fixed is an option."""
        parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
        for name, default in vars(cls()).items():
            if name not in fixed:
                parser.add_argument(f"--{name}", type=int, default=default)
        return cls(**vars(parser.parse_args()), **fixed)


@dataclass
class Outcome:
    plan: Plan
    seconds: float = 0.0
    kills: int = 0
    busy: int = 0  # times that a run met another at the same collection
    sealed: Counter[str] = field(default_factory=Counter)  # by collection
    stored: int = 0  # places of contents in the bucket
    distinct: int = 0  # contents that lie there
    again_shared: int = 0  # of the places that are not a content's first: of contents that every collection has
    wanted: int = 0  # contents that the sources have
    wrong: list[str] = field(default_factory=list)
    more: dict[str, str] = field(default_factory=dict)  # what one kind of trial has to say

    @property
    def again(self) -> int:
        return self.stored - self.distinct

    def rows(self) -> Iterator[tuple[str, str]]:
        yield "machines", str(self.plan.machines)
        yield "collections, files in each, shared by all", f"{self.plan.collections}, {self.plan.files}, {self.plan.shared}"
        yield "killed (SIGKILL)", str(self.kills)
        yield from self.more.items()
        yield "met another at the same collection", str(self.busy)
        yield "bags sealed, of them more than once", f"{sum(self.sealed.values())}, {sum(count > 1 for count in self.sealed.values())}"
        yield "contents in the sources, in the store", f"{self.wanted}, {self.distinct}"
        yield "stored more than once", f"{self.again} ({100 * self.again / max(1, self.stored):.2f} %)"
        yield "… of them shared by all, of one collection", f"{self.again_shared}, {self.again - self.again_shared}"
        yield "wrong", "; ".join(self.wrong) or "nothing"
        yield "seconds to archive", f"{self.seconds:.0f}"

    def told(self) -> int:
        """Print the table. Returns the exit status."""
        width = max(len(name) for name, _ in self.rows())
        for name, value in self.rows():
            print(f"{name:{width}}  {value}")
        return 1 if self.wrong else 0


class Trial(ABC):
    """Sources are made below `sources`, collection manifests in the folder `manifests`, a store at BUCKET/PREFIX."""

    def __init__(self, plan: Plan, sources: Path, manifests: Path, bucket: str, prefix: str) -> None:
        self.plan, self.sources, self.manifests, self._bucket, self._prefix = plan, sources, manifests, bucket, prefix
        self.store = f"s3://{bucket}/{prefix}"
        self.chance = random.Random(plan.seed)
        self.names = [f"c{number}" for number in range(plan.collections)]
        self.outcome = Outcome(plan)

    @abstractmethod
    def command(self, machine: int, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`strongroom` on a machine, to its end."""

    @abstractmethod
    def archive_all(self) -> None:
        """Until every collection is archived and all kills are spent."""

    @abstractmethod
    def client(self) -> S3Client: ...

    def run(self) -> Outcome:
        self._make_sources()
        self.command(0, "store", "init", self.store)
        began = time.monotonic()
        self.archive_all()
        self.outcome.seconds = time.monotonic() - began
        self._count()
        self._prove()
        return self.outcome

    def _make_sources(self) -> None:
        shared = [self.chance.randbytes(self.chance.randrange(1, 8000)) for _ in range(self.plan.shared)]
        self._shared = {hashlib.sha256(data).hexdigest() for data in shared}
        for name in self.names:
            for number in range(self.plan.files):
                data = shared[number] if number < self.plan.shared else self.chance.randbytes(self.chance.randrange(1, 8000))
                file = self.sources / name / f"{self.chance.randrange(10):x}" / f"{number}.bin"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
            manifest = f"collection: {name}\nsource: {self.sources / name}\nstores: ['{self.store}']\n"
            (self.manifests / f"{name}.yaml").write_text(manifest)

    def done(self, arguments: tuple[str, ...], status: int, output: str, errors: str) -> subprocess.CompletedProcess[str]:
        """What a command ended with, which ought to be 0."""
        if status:
            self.outcome.wrong.append(f"{' '.join(arguments)}: {status}: {errors.strip()[-300:]}")
        return subprocess.CompletedProcess(arguments, status, output, errors)

    # -- afterwards

    def _count(self) -> None:
        """From the bucket and the sources themselves."""
        client, prefix, outcome = self.client(), self._prefix + "/", self.outcome
        contents: Counter[str] = Counter()
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            for entry in page.get("Contents", ()):
                key = entry["Key"].removeprefix(prefix)
                parts = key.split("/")
                if parts[0] == "bags" and parts[-1] == "seal.json":
                    outcome.sealed[parts[1]] += 1
                elif parts[0] == "content":
                    contents[parts[-1]] += 1
                elif parts[0] == "packs" and key.endswith(".jsonl"):
                    lines = client.get_object(Bucket=self._bucket, Key=entry["Key"])["Body"].read().splitlines()[:-1]
                    contents.update(json.loads(line)["sha256"] for line in lines)
        wanted = {hashlib.sha256(path.read_bytes()).hexdigest() for name in self.names for path in (self.sources / name).rglob("*.bin")}
        outcome.stored, outcome.distinct, outcome.wanted = contents.total(), len(contents), len(wanted)
        outcome.again_shared = sum(count - 1 for digest, count in contents.items() if digest in self._shared)
        if missing := wanted - contents.keys():
            outcome.wrong.append(f"{len(missing)} contents are not in the store")
        if set(outcome.sealed) != set(self.names) or max(outcome.sealed.values()) > 1:
            outcome.wrong.append(f"seals: {dict(outcome.sealed)}")

    def _prove(self) -> None:
        """All that is stored is sound, all machines know the same, and everything comes back."""
        self.command(0, "audit", "--full", "--quiet")
        bags = [json.loads(self.command(machine, "list", "--json").stdout)["bags"] for machine in range(self.plan.machines)]
        if any({one["bag"] for one in listed} < {f"{name}/v1" for name in self.names} or listed != bags[0] for listed in bags):
            self.outcome.wrong.append("the machines do not list the same bags")
        for number, name in enumerate(self.names):
            place = self.sources / f"{name}-restored"
            self.command(number % self.plan.machines, "restore", name, str(place), "--payload-only", "--quiet")
            if subprocess.run(["diff", "-rq", self.sources / name, place], capture_output=True, check=False).returncode:
                self.outcome.wrong.append(f"{name} does not come back as it was")
            shutil.rmtree(place, ignore_errors=True)

"""Many faults at once in a bucket with Object Lock, and whether repair heals them all without replacing or removing anything.

The long set: `python -m tests.repair.locked [--count 1000] [--seed 1]`.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from strongroom.core.findings import Finding, Severity
from strongroom.core.keys import StoreKey
from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import init_store
from strongroom.usecases.audit.kinds import Kind, name_of
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.repair.run import repair
from tests.replicate.conftest import Place

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

STORES = ["one", "bucket"]
WAYS = ("flip", "truncate", "extend", "zero", "empty", "delete")
#: What a store has of its own; of everything else there is a copy in the other store under the same key.
_OWN = (Kind.PACK, Kind.INDEX, Kind.PLACEMENT, Kind.README)
_NEVER = (Kind.CHECKS, Kind.DESCRIPTION, Kind.PROBE)


def lock(client: S3Client) -> str:
    """A new bucket in which every version stays for a day, whoever asks. Its name."""
    name = f"locked-{secrets.token_hex(4)}"
    client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    client.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration={
        "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}})
    return name


@dataclass
class Locked:
    """A collection of several bags in a folder and in a locked bucket, which is hurt."""

    place: Place
    client: S3Client
    bucket: str
    chance: random.Random
    made: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def fill(self, bags: int) -> None:
        self.place.stores["bucket"] = f"s3://{self.bucket}/archive"
        init_store(self.place.stores["bucket"])
        for number in range(bags):
            for file in range(8):
                self.place.write("site", f"{number}/{file}.html", self.chance.randbytes(700))
            if number % 3 == 0:
                self.place.write("site", f"{number}/large", self.chance.randbytes((4 << 20) + 1))
            self.place.archive("site", STORES)
            if number in (bags // 2, bags - 1):
                self.place.replicate("site", STORES)
        # What nothing else speaks of, the newest batch of a log, is known from its first audit on (decision 10).
        sound = audit(AuditRequest(stores=(self.place.stores["bucket"],)), self.place.context, self.place.runner)
        assert sound.exit_status == 0, sound.findings

    def round(self, count: int) -> None:
        """Hurt `count` objects, find them, heal them; `wrong` is what was not as it should be."""
        hurt = self._hurt(count)
        url, place = self.place.stores["bucket"], self.place
        if audit(AuditRequest(stores=(url,)), place.context, place.runner).exit_status != 1:
            self.wrong.append(f"the audit did not see {hurt}")
        there, before = self._visible(), self._versions()
        report = repair(place.context, place.runner, stores=[url])
        if report.exit_status:
            self.wrong.append(f"repair ended with {report.exit_status}: {_errors(report.findings)}")
        after = self._versions()
        if not before <= after:
            self.wrong.append(f"removed: {before - after}")
        if replaced := {key for key, _ in after - before} & there:
            self.wrong.append(f"replaced: {replaced}")
        again = audit(AuditRequest(stores=(url,)), place.context, place.runner)
        if again.exit_status:
            self.wrong.append(f"afterwards, of {len(hurt)} faults: {_errors(again.findings)}")

    def _hurt(self, count: int) -> list[str]:
        hurt: list[str] = []
        for key in self._choose(count):
            data = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            way = self.chance.choice(WAYS) if data else "extend"
            if way == "delete":
                self.client.delete_object(Bucket=self.bucket, Key=key)  # a lock keeps the version, and hides it
            else:
                changed = self._change(way, data)
                self.client.put_object(Bucket=self.bucket, Key=key, Body=changed)
            kind = name_of(StoreKey(key.removeprefix("archive/"))).kind
            self.made[f"{way} {kind.value}"] += 1
            hurt.append(f"{way} {key}")
        return hurt

    def _choose(self, count: int) -> list[str]:
        """Some of every kind, as evenly as they go round."""
        kinds: dict[str, list[str]] = {}
        for key in sorted(self._visible()):
            if self._may_be_hurt(key.removeprefix("archive/")):
                kinds.setdefault(name_of(StoreKey(key.removeprefix("archive/"))).kind.value, []).append(key)
        for keys in kinds.values():
            self.chance.shuffle(keys)
        chosen: list[str] = []
        while len(chosen) < count:
            chosen += [keys.pop() for keys in kinds.values() if keys]
        return chosen[:count]

    def _may_be_hurt(self, key: str) -> bool:
        name = name_of(StoreKey(key))
        return name.kind not in _NEVER and (name.kind in _OWN or (self.place.folder("one") / name.base).exists())

    def _change(self, way: str, data: bytes) -> bytes:
        at = self.chance.randrange(len(data)) if data else 0
        match way:
            case "flip":
                return data[:at] + bytes([data[at] ^ 1 << self.chance.randrange(8)]) + data[at + 1 :]
            case "truncate":
                return data[:at]
            case "extend":
                return data + self.chance.randbytes(1 + self.chance.randrange(600))
            case "zero":
                zeros = min(len(data) - at, 1 + self.chance.randrange(4096))
                return data[:at] + (bytes(zeros) if any(data[at : at + zeros]) else b"\1" * zeros) + data[at + zeros :]
        return b""

    def _visible(self) -> set[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return {item["Key"] for page in pages for item in page.get("Contents", [])}

    def _versions(self) -> set[tuple[str, str]]:
        pages = self.client.get_paginator("list_object_versions").paginate(Bucket=self.bucket)
        return {(item["Key"], item["VersionId"]) for page in pages for item in page.get("Versions", [])}

    def restores(self) -> None:
        """The bucket alone gives every bag back."""
        for name in ("home", "sources", "store-one"):
            (self.place.root / name).rename(self.place.root / f"away {name}")
        init_store(str(self.place.folder("one")))
        self.place.source("site").mkdir(parents=True)
        report = self.place.replicate("site", STORES)
        away = self.place.root / "away store-one"
        bags = sorted(str(path.parent.relative_to(away / "bags")) for path in away.glob("bags/*/*/seal.json"))
        if report.exit_status or self.place.bags("one") != bags:
            self.wrong.append(f"the bucket gave {self.place.bags('one')} of {bags}: {report.findings[:5]}")


def _errors(findings: Iterable[Finding]) -> list[str]:
    return [str(one) for one in findings if one.severity is Severity.ERROR][:9]


def main() -> int:
    from tests.fixtures.seaweedfs import running_server

    parser = argparse.ArgumentParser(prog="python -m tests.repair.locked", description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with running_server() as server, tempfile.TemporaryDirectory(prefix="strongroom-locked-") as folder:
        os.environ |= server.env
        with LocalRunner(1, quiet=True) as runner:
            place = Place(Path(folder), runner)
            place.add_store("one")
            locked = Locked(place, server.client(), lock(server.client()), random.Random(args.seed))
            locked.fill(8)
            while (done := sum(locked.made.values())) < args.count:
                locked.round(min(100, args.count - done))
                print("\n    ".join([f"{sum(locked.made.values())} faults, {len(locked.wrong)} wrong", *locked.wrong]), flush=True)
            locked.restores()
    print("\n".join(f"{count:6} {what}" for what, count in sorted(locked.made.items())))
    print("\n".join(locked.wrong))
    return 1 if locked.wrong else 0


if __name__ == "__main__":
    sys.exit(main())

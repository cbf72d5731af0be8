"""Seeded faults in a store, and whether an audit names each of them and nothing else: `python -m tests.audit.faults --count 1000`."""

from __future__ import annotations

import argparse
import hashlib
import io
import random
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from strongroom.core.findings import Code
from strongroom.core.keys import StoreKey
from strongroom.core.outcomes import CheckOutcome
from strongroom.runner.local import LocalRunner
from strongroom.usecases.audit.kinds import Kind, name_of
from strongroom.usecases.audit.report import AuditReport, Unsound
from tests.audit.site import Vault, make_vault, resetting

WAYS = ("flip", "truncate", "extend", "zero", "delete", "swap", "extra")
KINDS = (Kind.PACK, Kind.CONTENT, Kind.INDEX, Kind.TAG, Kind.SEAL, Kind.LOG, Kind.PLACEMENT, Kind.README, Kind.MARK)
#: Where nothing should be.
_EXTRA = ("packs/aa/notes-{}.txt", "content/zz/{}.bak", "bags/letters/v1/stray-{}", "surprise-{}.bin", "log/{}", "bags/other/{}")


@dataclass
class Fault:
    way: str
    kind: str
    keys: tuple[str, ...]
    outcome: CheckOutcome
    lost: frozenset[str] = frozenset()  # SHA-256 of contents that are surely lost with it


@dataclass
class Score:
    """What was expected and what was said."""

    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    named: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    without_paths: int = 0  # faults named with bags whose every list of payload paths was made unreadable at the same time
    false_alarms: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.faults.values())

    def good(self) -> bool:
        return self.faults == self.named and not self.wrong and not self.false_alarms


def audited(vault: Vault, audit: AuditReport, faults: list[Fault], before: dict[str, bytes], score: Score) -> None:
    """Compare a report with the faults that were made."""
    store = audit.stores[0]
    said = {one.key: one for one in store.unsound}
    strange = {finding.place.partition(": ")[2] for finding in audit.findings if finding.code is Code.UNEXPECTED}
    needed = payloads(before)
    expected: set[str] = set()
    listless = _listless(faults)
    for fault in faults:
        score.faults[fault.way, fault.kind] += 1
        expected.update(fault.keys)
        if fault.outcome is CheckOutcome.UNEXPECTED:
            right = set(fault.keys) <= strange
        else:
            right = all(key in said and said[key].outcome is fault.outcome for key in fault.keys)
        if right and fault.lost:
            left_over = _not_named(fault, said, needed)
            right = left_over <= listless and all(any(bag in said[key].reason for key in fault.keys) for bag in left_over)
            score.without_paths += bool(right and left_over)
        if right:
            score.named[fault.way, fault.kind] += 1
        else:
            score.wrong.append(f"{fault}: {[said.get(key) for key in fault.keys]}")
    score.false_alarms += sorted((said.keys() | strange) - expected)
    others = {Code.UNREACHABLE, Code.UNREADABLE, Code.READ_TWICE, Code.FORKED}
    score.false_alarms += [str(finding) for finding in audit.findings if finding.code in others]


def _not_named(fault: Fault, said: dict[str, Unsound], needed: dict[str, set[tuple[str, str]]]) -> set[str]:
    """The bags that need a lost content and are not named with every payload path of it."""
    named = {(one.bag, path) for key in fault.keys for one in said[key].bags for path in one.paths}
    return {bag for digest in fault.lost for bag, path in needed.get(digest, set()) if (bag, path) not in named}


def _listless(faults: list[Fault]) -> set[str]:
    """The bags of which both files that list payload paths with SHA-256 were hit by faults."""
    hit = Counter(key.partition("/bag/")[0].rpartition("/")[0] for fault in faults for key in fault.keys
                  if key.endswith(("/bag/manifest-sha256.txt", "/bag/fetch.txt")))
    return {bag.removeprefix("bags/") for bag, count in hit.items() if count == 2}


def payloads(objects: dict[str, bytes]) -> dict[str, set[tuple[str, str]]]:
    """For each content the (bag, path) that need it, by the manifests as they were."""
    needed: dict[str, set[tuple[str, str]]] = {}
    for key, data in objects.items():
        name = name_of(StoreKey(key))
        if name.kind is Kind.TAG and key.endswith("/bag/manifest-sha256.txt"):
            for line in data.decode().splitlines():
                digest, path = line.split("  ", 1)
                needed.setdefault(digest, set()).add((name.bag or "", path))
    return needed


class Breaker:
    """Makes faults, each in objects of its own."""

    def __init__(self, vault: Vault, before: dict[str, bytes], chance: random.Random) -> None:
        self.vault, self.before, self.chance = vault, before, chance
        attempts = {key.partition("/bag/")[0] for key in before if key.endswith("/bag/manifest-sha256.txt")}  # the bags
        self.left: dict[str, list[str]] = {}
        for key in sorted(before):
            name = name_of(StoreKey(key))
            if name.kind in KINDS and (name.attempt is None or f"bags/{name.bag}/{name.attempt}" in attempts):
                self.left.setdefault(name.kind.value, []).append(key)
        for keys in self.left.values():
            chance.shuffle(keys)

    def make(self, way: str, kind: str) -> Fault | None:
        """A fault of this way in an object of this kind; None if none is left that it would change."""
        if way == "extra":
            key = self.chance.choice(_EXTRA).format(self.chance.randrange(10**9))
            self.vault.objects.put(key, self.chance.randbytes(50))
            return Fault(way, "anywhere", (key,), CheckOutcome.UNEXPECTED)
        keys = self.left.get(kind, [])
        key = next((key for key in keys if self.before[key]), None)
        if key is None:
            return None
        keys.remove(key)
        if way == "swap":
            other = next((other for other in keys if self.before[other] != self.before[key]), None)
            if other is None:
                return None
            keys.remove(other)
            self.vault.objects.put(key, self.before[other])
            self.vault.objects.put(other, self.before[key])
            lost = self._lost(key, self.before[other]) | self._lost(other, self.before[key])
            return Fault(way, kind, (key, other), CheckOutcome.DAMAGED, lost)
        if way == "delete":
            self.vault.objects.delete(key)
            return Fault(way, kind, (key,), CheckOutcome.MISSING, self._lost(key, b""))
        data = self._change(way, self.before[key])
        if data == self.before[key]:
            return None
        self.vault.objects.put(key, data)
        return Fault(way, kind, (key,), CheckOutcome.DAMAGED, self._lost(key, data))

    def _change(self, way: str, data: bytes) -> bytes:
        at = self.chance.randrange(len(data))
        if way == "flip":
            changed = bytearray(data)
            changed[at] ^= 1 << self.chance.randrange(8)
            return bytes(changed)
        if way == "truncate":
            return data[:at]
        if way == "extend":
            return data + self.chance.randbytes(1 + self.chance.randrange(600))
        length = min(len(data) - at, 1 + self.chance.randrange(4096))
        return data[:at] + bytes(length) + data[at + length :]

    def _lost(self, key: str, data: bytes) -> frozenset[str]:
        """The contents that are surely not in `data` any more, where what was at `key` held them."""
        name = name_of(StoreKey(key))
        if name.kind is Kind.CONTENT and name.digest is not None:
            return frozenset([name.digest.hex])
        if name.kind is not Kind.PACK:
            return frozenset()
        with tarfile.open(fileobj=io.BytesIO(self.before[key])) as tar:
            members = [(member.name, member.offset_data, member.size) for member in tar if member.name != "index.jsonl"]
        return frozenset(name for name, at, size in members if hashlib.sha256(data[at : at + size]).hexdigest() != name)


def run_rounds(vault: Vault, count: int, seed: int, each: int = 12) -> Score:
    """Make `count` faults, `each` at a time, and audit after each lot."""
    score = Score()
    reset = resetting(vault)
    before = vault.objects.all()
    chance = random.Random(seed)
    plan = _plan(chance)
    while score.total < count:
        breaker, faults = Breaker(vault, before, chance), []
        while len(faults) < min(each, count - score.total):
            fault = breaker.make(*next(plan))
            if fault is not None:
                faults.append(fault)
        audited(vault, vault.audit(), faults, before, score)
        reset()
    return score


def _plan(chance: random.Random) -> Iterator[tuple[str, str]]:
    """Every way in every kind, again and again, in random order."""
    while True:
        pairs = [(way, kind.value) for way in WAYS for kind in KINDS]
        chance.shuffle(pairs)
        yield from pairs


@contextmanager
def _vault(runner: LocalRunner, on_s3: bool) -> Iterator[Vault]:
    with tempfile.TemporaryDirectory(prefix="strongroom-faults-") as folder:
        if not on_s3:
            yield make_vault(Path(folder), runner)
            return
        import os

        from tests.fixtures.seaweedfs import make_bucket, running_server

        with running_server() as server:
            os.environ |= server.env
            make_bucket(server.client(), "faults")
            yield make_vault(Path(folder), runner, "s3://faults/store", server.client())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--s3", action="store_true")
    args = parser.parse_args()
    start = time.perf_counter()
    with LocalRunner(2, quiet=True) as runner, _vault(runner, args.s3) as vault:
        score = run_rounds(vault, args.count, args.seed)
    kinds = sorted({kind for _, kind in score.faults})
    print(f"{'named/made':12}" + "".join(f"{way:>10}" for way in WAYS))
    for kind in kinds:
        print(f"{kind:12}" + "".join(f"{score.named[way, kind]:>5}/{score.faults[way, kind]:<4}" for way in WAYS))
    print(f"{score.total} faults, {sum(score.named.values())} named rightly "
          f"({score.without_paths} with a bag whose lists of paths were damaged too), {len(score.false_alarms)} false alarms, "
          f"{time.perf_counter() - start:.0f} s")
    for line in (score.wrong + score.false_alarms)[:20]:
        print("  ", line)
    return 0 if score.good() else 1


if __name__ == "__main__":
    sys.exit(main())

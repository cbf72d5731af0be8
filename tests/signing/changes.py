"""One byte of a signed store changed, a thousand times: each change is found and named.

    python -m tests.signing.changes --count 1000 --seed 1

Each change is judged twice: by an installation whose catalogue has seen the store sound, and by one that has seen nothing and trusts
one public key. What is changed: tag files, seals, the signed lines of signatures, public keys, rotations and revocations, and the log up
to the heads that seals name; the end of the log, after the last of them, is covered by nothing and not tried. A seal has a checksum in
it, which finds changes without any key; so seals are also changed by somebody who makes that right again, when only the signature tells.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from strongroom.core import canonical
from strongroom.core.errors import InvalidValueError
from strongroom.core.findings import Severity
from strongroom.core.seal import parse_seal
from strongroom.runner.local import LocalRunner
from strongroom.signing import PublicKey, passphrase
from strongroom.usecases.audit.report import AuditReport
from strongroom.usecases.signatures import keys as use
from tests.fixtures.seals import summed
from tests.signing.site import Vault, make_vault

FORGED = "seal, its sum made right"
KINDS = ("tag file", "seal", FORGED, "signature of a seal", "log", "public key", "statement", "signature of a statement")
_WRITTEN = ("log", "checks")  # by the audits themselves
JUDGES = ("with its catalogue", "with one trusted key alone")


@dataclass(frozen=True)
class Change:
    kind: str
    key: str
    position: int
    byte: int

    def of(self, whole: bytes) -> bytes:
        """The bytes of the object after the change. Raises InvalidValueError if a forged seal would be no seal."""
        data = whole[: self.position] + bytes([self.byte]) + whole[self.position + 1 :]
        if self.kind == FORGED:
            value = canonical.loads(data, what="seal")
            data = summed({name: member for name, member in value.items() if name != "sum"})
            parse_seal(data, what="seal")
            if data == whole:
                raise InvalidValueError("the change was in the sum")
        return data


def prepare(root: Path, runner: LocalRunner) -> tuple[Vault, PublicKey]:
    """Five bags of two collections, a key and its successor, a spare that was revoked; audited once and sound. And the first key."""
    vault = make_vault(root, runner)
    first = vault.key()
    vault.archive("letters")
    vault.write("maps", "atlas.txt", b"an atlas")
    vault.archive("maps")
    spare, gone = vault.key(), vault.key()
    use.rotate(vault.context, to=spare.fingerprint.hex)
    use.revoke(vault.context, gone.fingerprint.hex, reason="was lost")
    for number in range(3):
        vault.write("letters", f"{number}.txt", b"letter %d" % number)
        vault.archive("letters")
    report = vault.audit()
    assert (report.exit_status, report.findings) == (0, ()), report.findings
    return vault, first


def objects(store: Path) -> dict[str, list[tuple[str, range]]]:
    """By kind, the keys that are covered, with the positions of the bytes that are."""
    found: dict[str, list[tuple[str, range]]] = {kind: [] for kind in KINDS}
    heads: Counter[str] = Counter()
    for path in store.glob("bags/*/v*/seal.json"):
        for writer, head in json.loads(path.read_bytes())["log"].items():
            heads[writer] = max(heads[writer], head["seq"])
    for path in sorted(path for path in store.rglob("*") if path.is_file() and ".tmp" not in path.parts):
        key, size = path.relative_to(store).as_posix(), path.stat().st_size
        signed = range(path.read_bytes().index(b"\n") + 1, size) if path.suffix == ".minisig" else range(size)
        if "/bag/" in key:
            found["tag file"].append((key, signed))
        elif key.endswith("/seal.json"):
            found["seal"].append((key, signed))
            found[FORGED].append((key, signed))
        elif key.endswith("/seal.minisig"):
            found["signature of a seal"].append((key, signed))
        elif key.startswith("log/") and int(path.stem) <= heads[path.parent.name]:
            found["log"].append((key, signed))
        elif key.startswith("keys/"):
            kind = {".pub": "public key", ".json": "statement", ".minisig": "signature of a statement"}[path.suffix]
            found[kind].append((key, signed))
    assert all(found.values()), found
    return found


def changes(store: Path, count: int, seed: int) -> Iterator[Change]:
    """Each kind in turn; empty tag files have no byte."""
    chance, there = random.Random(seed), objects(store)
    number = 0
    while number < count:
        kind = KINDS[number % len(KINDS)]
        key, positions = chance.choice([one for one in there[kind] if one[1]])
        position = chance.choice(positions)
        whole = (store / key).read_bytes()
        change = Change(kind, key, position, chance.choice([byte for byte in range(256) if byte != whole[position]]))
        try:
            change.of(whole)
        except InvalidValueError:
            continue  # a forger would try again
        number += 1
        yield change


def names(report: AuditReport, key: str) -> bool:
    """Whether a warning or an error names the object."""
    grave = [one for one in report.findings if one.severity is not Severity.NOTE]
    return any(key in one.place or key in one.message for one in grave)


def run(root: Path, count: int, seed: int, *, say: bool = False) -> tuple[Counter[tuple[str, str]], Counter[str], list[str]]:
    """How many were found by (judge, kind), how many there were by kind, and what was not found."""
    found: Counter[tuple[str, str]] = Counter()
    tried: Counter[str] = Counter()
    missed: list[str] = []
    with LocalRunner(1, quiet=True) as runner:
        vault, first = prepare(root / "vault", runner)
        kept = root / "kept"
        shutil.copytree(vault.context.home, kept)
        for part in _WRITTEN:
            shutil.copytree(vault.store / part, root / f"kept-{part}")
        began = time.monotonic()
        for number, change in enumerate(changes(vault.store, count, seed), 1):
            path = vault.store / change.key
            whole = path.read_bytes()
            path.chmod(0o644)
            path.write_bytes(change.of(whole))
            tried[change.kind] += 1
            for judge, home in zip(JUDGES, ("home", "stranger"), strict=True):
                if home == "stranger":
                    vault.stranger(home, first)
                if names(vault.audit(home), change.key):
                    found[judge, change.kind] += 1
                else:
                    missed.append(f"{judge}: {change}")
            path.write_bytes(whole)
            for part in _WRITTEN:
                shutil.rmtree(vault.store / part)
                shutil.copytree(root / f"kept-{part}", vault.store / part)
            shutil.rmtree(vault.root / "stranger")
            shutil.rmtree(vault.context.home)
            shutil.copytree(kept, vault.context.home)
            if say and number % 50 == 0:
                print(f"{number} of {count} after {time.monotonic() - began:.0f} s, {len(missed)} missed", file=sys.stderr)
    passphrase.use(passphrase.Source())
    return found, tried, missed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found, tried, missed = run(Path(folder), arguments.count, arguments.seed, say=True)
    for judge in JUDGES:
        print(f"{judge}: {sum(found[judge, kind] for kind in KINDS)} of {sum(tried.values())} found and named")
        for kind in KINDS:
            print(f"  {kind:<25} {found[judge, kind]} of {tried[kind]}")
    for one in missed:
        print(f"missed: {one}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

"""A store of mixed bags made by real archive runs, and a way behind the store's back."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strongroom.collections.load import load
from strongroom.core.ids import BagId
from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import init_store, open_known_store
from strongroom.usecases.archive.attempt import Attempt
from strongroom.usecases.archive.run import archive
from strongroom.usecases.audit.report import AuditReport
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.context import Context
from tests.fixtures.findings import said


class Folder:
    """The objects of a file store, as files."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, key: str, data: bytes) -> None:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(data)

    def delete(self, key: str) -> None:
        (self.root / key).unlink()

    def all(self) -> dict[str, bytes]:
        files = (path for path in self.root.rglob("*") if path.is_file() and ".tmp" not in path.parts)
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in files}


class Bucket:
    """The objects of an S3 store, by a plain client."""

    def __init__(self, client: Any, url: str) -> None:
        self.client = client
        self.bucket, _, self.prefix = url.removeprefix("s3://").partition("/")

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=f"{self.prefix}/{key}", Body=data)

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=f"{self.prefix}/{key}")

    def all(self) -> dict[str, bytes]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix + "/")
        names = [item["Key"] for page in pages for item in page.get("Contents", ())]
        return {
            name.removeprefix(self.prefix + "/"): self.client.get_object(Bucket=self.bucket, Key=name)["Body"].read() for name in names
        }


@dataclass
class Vault:
    """A store with bags of two collections, the state of the machine that made them, and the objects behind the store's back."""

    root: Path
    url: str
    objects: Folder | Bucket
    runner: LocalRunner

    @property
    def context(self) -> Context:
        return Context(self.root / "home")

    def source(self, name: str) -> Path:
        return self.root / name

    def write(self, name: str, path: str, data: bytes) -> None:
        file = self.source(name) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def archive(self, name: str) -> str:
        manifest = self.root / f"{name}.yaml"
        new = manifest.with_suffix(".new")
        new.write_text(f"collection: {name}\nsource: {self.source(name)}\nstores: ['{self.url}']\n")
        os.replace(new, manifest)  # at once: an audit may be reading it
        report = archive(load(manifest), self.context, self.runner)
        assert report.exit_status == 0, report.findings
        return str(report.bag)

    def audit(self, **options: Any) -> AuditReport:
        return audit(AuditRequest(**options), self.context, self.runner)

    def keys(self, start: str, end: str = "") -> list[str]:
        return sorted(key for key in self.objects.all() if key.startswith(start) and key.endswith(end))


def fill(vault: Vault, seed: int = 1) -> None:
    """Two collections that share contents: versions, several packs, a large content, an attempt that is open and one that was closed."""
    chance = random.Random(seed)
    shared = [chance.randbytes(3000) for _ in range(5)]
    for name in ("letters", "maps"):
        for number in range(12):
            vault.write(name, f"f{number}/{name}-{number}.bin", chance.randbytes(chance.randrange(1, 9000)))
        for number, data in enumerate(shared):
            vault.write(name, f"shared/{number}.bin", data)
    vault.write("maps", "atlas.tif", chance.randbytes((4 << 20) + 77))
    vault.write("maps", "empty", b"")
    vault.archive("letters")
    vault.archive("maps")
    vault.write("letters", "f0/letters-0.bin", b"another letter")
    vault.write("letters", "late.txt", chance.randbytes(700))
    vault.archive("letters")
    store = open_known_store(vault.url, None)
    Attempt.open(store, BagId("letters", 3))
    Attempt.open(store, BagId("maps", 2)).close("nothing had changed")


def make_vault(root: Path, runner: LocalRunner, url: str | None = None, client: Any = None) -> Vault:
    """A filled store below `root`, or at the S3 URL, that was audited once and found sound."""
    place = url or str(root / "store")
    init_store(place)
    vault = Vault(root, place, Bucket(client, place) if url else Folder(root / "store"), runner)
    fill(vault)
    report = vault.audit()
    assert (report.exit_status, said(report)) == (0, ()), report.findings
    return vault


def resetting(vault: Vault) -> Callable[[], None]:
    """A function that puts store and home back as they are now."""
    kept = vault.objects.all()
    home, copy = vault.root / "home", vault.root / "home-kept"
    shutil.copytree(home, copy)

    def reset() -> None:
        now = vault.objects.all()
        for key in now.keys() - kept.keys():
            vault.objects.delete(key)
        for key, data in kept.items():
            if now.get(key) != data:
                vault.objects.put(key, data)
        shutil.rmtree(home)
        shutil.copytree(copy, home)

    return reset


def chmod_all(root: Path) -> None:
    """Make stored files writable, so that a test can damage them in place."""
    for path in root.rglob("*"):
        if path.is_file():
            os.chmod(path, 0o644)

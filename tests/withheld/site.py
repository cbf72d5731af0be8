"""Two collections in two stores, and what lies there, read without the product's code."""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from strongroom.core.digests import Digest
from strongroom.core.tombstone import Action
from strongroom.stores.describe import init_store
from strongroom.usecases.archive.report import ArchiveReport
from strongroom.usecases.archive.run import archive
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.context import Context
from strongroom.usecases.replicate.run import replicate
from strongroom.usecases.restore.request import RestoreRequest
from strongroom.usecases.restore.run import restore
from strongroom.usecases.withheld.request import WithholdReport, WithholdRequest
from strongroom.usecases.withheld.run import withhold
from tests.fixtures.premises import Premises

PAGE = b"<!doctype html><title>A page that must go</title>" + b"private " * 40
HEX = Digest.of(PAGE).hex


@dataclass
class Site(Premises):
    home: str = "home"
    stores: dict[str, list[str]] = field(default_factory=dict)  # of each collection
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def context(self) -> Context:
        return Context(self.root / self.home)

    def store(self, name: str) -> Path:
        if not (self.root / name / "strongroom.json").exists():
            init_store(str(self.root / name))
        return self.root / name

    def manifest(self, collection: str) -> Any:
        places = self.stores.get(collection, [str(self.store("one"))])
        return self.describe(collection, [{"url": place, "offline": True} for place in places], self.settings.get(collection, ""))

    def archive(self, collection: str, **options: Any) -> ArchiveReport:
        return archive(self.manifest(collection), self.context, self.runner, **options)

    def replicate(self, *collections: str) -> Any:
        return replicate([self.manifest(name) for name in collections], self.context, self.runner)

    def withhold(self, name: str | None = None, *, agree: bool = True, plans: list[Any] | None = None, **options: Any) -> WithholdReport:
        options.setdefault("action", Action.WITHHOLD)
        options.setdefault("reason", "asked for by the person")
        for key in ("paths", "digests"):
            options[key] = tuple(options.get(key, ()))

        def agreed(plan: Any) -> bool:
            if plans is not None:
                plans.append(plan)
            return agree

        return withhold(WithholdRequest(name=name, **options), self.context, self.runner, agreed)

    def restore(self, name: str, dest: str, **options: Any) -> Any:
        return restore(RestoreRequest(name, self.root / dest, **options), self.context, self.runner)

    def audit(self, **options: Any) -> Any:
        return audit(AuditRequest(**options), self.context, self.runner)


def contents(store: Path) -> set[str]:
    """The digests of every content in a file store."""
    found = {path.name.partition("~")[0] for path in store.glob("content/*/*") if "." not in path.name}
    for pack in store.glob("packs/*/*.tar*"):
        with tarfile.open(pack) as tar:
            found |= {member.name for member in tar.getmembers()}
    return found - {"index.jsonl"}


def everything(root: Path) -> bytes:
    """Every byte below a folder."""
    return b"".join(path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file())


def tombstones(store: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted(store.glob("withheld/*/*/*.json")) if "bags" not in path.name]


def codes(report: Any) -> set[str]:
    return {finding.code.label for finding in report.findings}

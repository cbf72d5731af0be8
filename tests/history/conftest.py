"""Two stores with a past, and copies of them from before."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.core.findings import Code, Finding, Severity
from strongroom.runner.local import LocalRunner
from strongroom.usecases.context import Context
from strongroom.usecases.history.report import LogReport
from strongroom.usecases.history.run import verify_logs
from tests.replicate.conftest import Place, runner

__all__ = ["runner"]
BOTH = ["one", "two"]
#: What accuses somebody.
GRAVE = {"log-altered", "log-hole", "log-forked", "store-rolled-back", "bag-removed", "seal-damaged", "object-damaged"}


class Past:
    """A place whose stores can be put back to what they were; the logs are verified without a catalogue unless it is wanted."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.copies: list[Path] = []

    def bag(self, text: str, *stores: str) -> None:
        """The next bag, in the first of the stores (default: both), and in the others."""
        names = list(stores or BOTH)
        self.place.write("site", f"{text}.html", text.encode() * 30)
        assert self.place.archive("site", names).outcome == "sealed"
        if len(names) > 1:
            assert self.place.replicate("site", names).exit_status == 0

    def copy(self, store: str) -> Path:
        """The store as it is now."""
        to = self.place.root / f"copy-{len(self.copies)}"
        shutil.copytree(self.place.folder(store), to)
        self.copies.append(to)
        return to

    def put_back(self, store: str, copy: Path) -> None:
        shutil.rmtree(self.place.folder(store))
        shutil.copytree(copy, self.place.folder(store))

    def remove_bag(self, store: str, bag: str) -> None:
        shutil.rmtree(self.place.folder(store) / f"bags/{bag}")

    def verify(self, *stores: str, home: str = "empty home") -> LogReport:
        urls = [self.place.stores[store] for store in stores or BOTH]
        return verify_logs(urls, Context(self.place.root / home), self.place.runner)

    def said(self, *stores: str, home: str = "empty home") -> list[tuple[str, str]]:
        """Code and store (by its name) of each grave finding."""
        report = self.verify(*stores, home=home)
        found = {(one.code.label, next((name for name in self.place.stores if f"store-{name}" in one.place), "")) for one in report.findings
                 if one.code.label in GRAVE}
        assert report.exit_status == any(one.severity is Severity.ERROR for one in report.findings), report.findings
        return sorted(found)

    def findings(self, *stores: str) -> list[Finding]:
        """Everything but that nobody signs here."""
        return [one for one in self.verify(*stores).findings if one.code is not Code.NO_SEAL_SIGNATURE]

    # -- the log of a store without the product's code

    def own(self, store: str) -> str:
        """The writer whose chain began in this store."""
        return next(writer for writer, (origin, _) in self.chains(store).items() if origin == self.id(store))

    def id(self, store: str) -> str:
        return str(json.loads((self.place.folder(store) / "strongroom.json").read_bytes())["store"])

    def chains(self, store: str) -> dict[str, tuple[str, list[Path]]]:
        """By writer: the store it began in, and its batches in order."""
        found = {}
        for folder in sorted((self.place.folder(store) / "log").iterdir()):
            batches = sorted(folder.glob("*.json"))
            found[folder.name] = json.loads(batches[-1].read_bytes())["store"], batches
        return found

    def batches(self, store: str, of: str | None = None) -> list[Path]:
        """What `store` holds of the chain that began in the store `of` (itself)."""
        return self.chains(store)[self.own(of or store)][1]


@pytest.fixture
def past(tmp_path: Path, runner: LocalRunner) -> Iterator[Past]:
    """Both stores have site/v1 to site/v3."""
    made = Past(Place(tmp_path, runner))
    for store in BOTH:
        made.place.add_store(store)
    for text in ("first", "second", "third"):
        made.bag(text)
    return made

"""A reading room as a person has it: the command itself, on loopback, over bags that were made by archiving."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import pytest

from strongroom.stores.describe import init_store
from strongroom.usecases.archive.run import archive
from tests.browser.fixture import browser, browser_page, complaints, open_page
from tests.fixtures.premises import Premises
from tests.fixtures.runner import runner
from tests.room.served import serving

__all__ = ["browser", "browser_page", "complaints", "open_page", "runner"]


@dataclass
class Archive(Premises):
    """Collections, each with a source of its own, in one store."""

    @property
    def store(self) -> Path:
        return self.root / "store"

    def archive(self, name: str, files: dict[str, bytes | str] | None = None, settings: str = "", stores: tuple[object, ...] = ()) -> str:
        for path, data in (files or {}).items():
            self.write(name, path, data)
        report = archive(self.describe(name, list(stores) or [self.store], settings), self.context, self.runner)
        assert report.exit_status == 0, report.findings
        return str(report.bag)

    def open(self, *options: str, token: bool = True):
        """The room, served by the command."""
        return serving(*options, home=self.root / "home", manifests=self.root / "manifests", token=token)


@pytest.fixture
def made(tmp_path, runner):
    """An archive without collections."""
    init_store(str(tmp_path / "store"))
    return Archive(tmp_path, runner)


#: A picture of one pixel.
DOT = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


def library(made: Archive) -> None:
    """An open collection of two versions, a restricted one and one under an embargo, which share a content with it."""
    made.archive("town", {
        "index.html": "<!doctype html><title>Town</title><link rel=stylesheet href=/style/site.css><h1>The town</h1>"
                      "<p>Welcome. <a href='pages/mill.html'>The mill</a> <img src='images/dot.png' alt='a dot'>",
        "pages/mill.html": "<!doctype html><title>Mill</title><h1>The mill</h1><p>It ground corn until 1931."
                           "<p><a href='../index.html'>Home</a>",
        "style/site.css": "h1 { color: rgb(1, 2, 3) }", "images/dot.png": DOT, "notes/plain.txt": "One line\nanother line\n",
        "metadata.csv": "filename,dc.title,dc.creator,dc.date\npages/mill.html,The water mill,Ottilie Quern,2009\n",
        "empty.txt": "",
    }, "title: The town\ndescription: What was known of it\n")
    made.archive("town", {"pages/mill.html": "<!doctype html><title>Mill</title><h1>The mill</h1><p>It ground corn until 1932."},
                 "title: The town\ndescription: What was known of it\n")
    shared = "Shared by an open and a hidden collection."
    made.archive("village", {"shared.txt": shared})
    for name, access in (("vault", "{level: restricted}"), ("sleeper", "{embargo_until: 2999-01-01}"), ("shut", "{level: closed}")):
        made.archive(name, {
            f"canary-{name}/canary-{name}.txt": f"canary-{name} text", "same.txt": shared,
            f"canary-{name}.html": f"<!doctype html><title>canary-{name}</title><p>canary-{name}",
            "metadata.csv": f"filename,dc.title\nsame.txt,canary-{name} title\n",
        }, f"title: canary-{name} collection\naccess: {access}\n")


@pytest.fixture(scope="session")
def town(tmp_path_factory, runner):
    """The library, open with a curator's token; nothing may be changed in it."""
    root = tmp_path_factory.mktemp("town")
    init_store(str(root / "store"))
    made = Archive(root, runner)
    library(made)
    with made.open() as served:
        served.made = made
        yield served

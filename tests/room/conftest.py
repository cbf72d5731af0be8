"""A reading room as a person has it: the command itself, on loopback, over bags that were made by archiving."""

from __future__ import annotations

import base64
import http.client
import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from strongroom.collections.load import load
from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import init_store
from strongroom.usecases.archive.run import archive
from strongroom.usecases.context import Context
from tests.browser.fixture import browser, browser_page, complaints, open_page

__all__ = ["browser", "browser_page", "complaints", "open_page"]

ROOT = Path(__file__).parents[2]
TOKEN = "a token that nobody guesses"


@pytest.fixture(scope="session")
def runner():
    with LocalRunner(2, quiet=True) as local:
        yield local


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Served:
    """A running room."""

    port: int
    site_port: int
    said: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def get(self, path: str, *, method: str = "GET", host: str | None = None, port: int | None = None, body: bytes | None = None,
            **headers: str) -> Answer:
        """One request, its path sent as it is; header names with underscores."""
        port = port or self.port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", host or f"localhost:{port}")
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
        finally:
            connection.close()

    def curator(self, path: str, **options) -> Answer:
        return self.get(path, Authorization=f"Bearer {TOKEN}", **options)

    def follow(self, url: str, **options) -> Answer:
        """What lies at an address of the room or of archived files, whatever its host resolves to."""
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        return self.get(path, host=parts.netloc or None, port=parts.port or self.port, **options)

    def site(self, page: str, **options) -> str:
        """The address of the archived file that a page of the room links to."""
        found = re.search(r'href="(http://[^"]+)"', self.get(page, **options).text)
        assert found, self.get(page, **options).text
        return found[1]


@dataclass
class Archive:
    """Collections, each with a source of its own, in one store."""

    root: Path
    runner: LocalRunner

    @property
    def context(self) -> Context:
        return Context(self.root / "home")

    @property
    def store(self) -> Path:
        return self.root / "store"

    def write(self, name: str, files: dict[str, bytes | str]) -> None:
        for path, data in files.items():
            file = self.root / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data.encode() if isinstance(data, str) else data)

    def archive(self, name: str, files: dict[str, bytes | str] | None = None, settings: str = "", store: str = "") -> str:
        self.write(name, files or {})
        manifest = self.root / f"{name}.yaml"
        manifest.write_text(f"collection: {name}\nsource: {self.root / name}\nstores: ['{store or self.store}']\n{settings}")
        report = archive(load(manifest), self.context, self.runner)
        assert report.exit_status == 0, report.findings
        return str(report.bag)

    @contextmanager
    def open(self, *options: str, token: bool = True):
        """The room, served by the command."""
        environment = {**os.environ, "STRONGROOM_HOME": str(self.root / "home"), "STRONGROOM_MANIFESTS": str(self.root / "manifests"),
                       "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "STRONGROOM_BROWSE_TOKEN": TOKEN if token else ""}
        command = [sys.executable, "-m", "strongroom", "browse", "--port", "0", *options]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, cwd=self.root) as process:
            said: list[str] = []
            for line in process.stderr:
                said.append(line)
                if match := re.search(r":(\d+)/ \(archived pages on port (\d+);", line):
                    break
            else:
                raise AssertionError("".join(said))
            reader = threading.Thread(target=lambda: said.extend(process.stderr), daemon=True)
            reader.start()
            try:
                yield Served(int(match[1]), int(match[2]), said)
            finally:
                process.terminate()
                process.wait(60)
                reader.join(60)
            assert not [line for line in said if "Traceback" in line], "".join(said)


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


@pytest.fixture(scope="module")
def town(tmp_path_factory, runner):
    """The library, open with a curator's token; nothing may be changed in it."""
    root = tmp_path_factory.mktemp("town")
    init_store(str(root / "store"))
    made = Archive(root, runner)
    library(made)
    with made.open() as served:
        served.made = made
        yield served

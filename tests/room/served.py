"""The command `strongroom browse`, running, and requests to it."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
TOKEN = "a token that nobody guesses"


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
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
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


@contextmanager
def serving(*options: str, home: Path, manifests: Path, token: bool = True) -> Iterator[Served]:
    """The room over this STRONGROOM_HOME, served by the command. Fails if it logs an error."""
    environment = {**os.environ, "STRONGROOM_HOME": str(home), "STRONGROOM_MANIFESTS": str(manifests),
                   "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "STRONGROOM_BROWSE_TOKEN": TOKEN if token else ""}
    command = [sys.executable, "-m", "strongroom", "browse", "--port", "0", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, cwd=home.parent) as process:
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
            process.wait(300)
            reader.join(300)
        assert not [line for line in said if "Traceback" in line], "".join(said)

"""One collection, one bucket behind the proxy, and the command line: what is done, and what must be true afterwards."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from strongroom.stores.describe import init_store
from strongroom.stores.open import StoreOptions
from tests.faults.s3.proxy import Proxy
from tests.fixtures.seaweedfs import S3Server

ROOT = Path(__file__).parents[3]
LIMIT = 600  # seconds; a command that takes longer hangs
LARGE = 5 * 2**20 + 77  # bytes: an object of its own, sent in one request
#: A store that did not answer, or answered nonsense, is never a reason to say these.
NEVER = re.compile(r"content-missing|pack-missing|tag-file-missing|seal-missing|object-missing|internal error|Traceback")
#: Little patience, where it is the store that fails; what must succeed is given the patience that everybody has.
TIMES = {"STRONGROOM_CONNECT_TIMEOUT": "2", "STRONGROOM_READ_TIMEOUT": "2", "STRONGROOM_RETRY_SECONDS": "2"}


@dataclass
class Site:
    """`root` is an empty folder. Problems are collected, not raised: a long run counts them."""

    root: Path
    url: str
    server: S3Server
    proxy: Proxy
    bundle: Path
    random: Random
    large: int = LARGE  # bytes of the one large file
    patient: bool = False
    problems: list[str] = field(default_factory=list)
    said: str = ""  # by the command that ran last

    def __post_init__(self) -> None:
        self.source.mkdir(parents=True)
        for number in range(12):
            (self.source / f"{number} ümläut.txt").write_bytes(self.random.randbytes(self.random.randrange(20_000)))
        with (self.source / "large.bin").open("wb") as file:
            for start in range(0, self.large, 2**20):
                file.write(self.random.randbytes(min(2**20, self.large - start)))
        self.manifest.write_text(f"collection: site\nsource: source\nstores: [{self.url}]\n")
        init_store(self.url, StoreOptions(endpoint_url=self.server.endpoint))

    def add_copy(self, *, first: bool) -> None:
        """A folder as another store of the collection, before or after the bucket."""
        init_store(str(self.copy))
        stores = [str(self.copy), self.url] if first else [self.url, str(self.copy)]
        self.manifest.write_text(f"collection: site\nsource: source\nstores: [{', '.join(stores)}]\n")

    @property
    def copy(self) -> Path:
        return self.root / "copy"

    @property
    def source(self) -> Path:
        return self.root / "source"

    @property
    def manifest(self) -> Path:
        return self.root / "site.yaml"

    def run(self, *arguments: str, direct: bool = False, home: str = "home", env: Mapping[str, str] | None = None) -> int:
        """The command's exit status; what it must never do or say is a problem. `direct`: not through the proxy."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PREFECT_", "STRONGROOM_"))}
        variables = {
            **kept, **self.server.env, **({} if direct or self.patient else TIMES),
            "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "HOME": str(self.root),
            "STRONGROOM_HOME": str(self.root / home), "AWS_CA_BUNDLE": str(self.bundle),
            "AWS_ENDPOINT_URL": self.server.endpoint if direct else self.proxy.endpoint, **(env or {}),
        }
        command = [sys.executable, "-m", "strongroom", *arguments, "--quiet", "--no-prefect", "--workers", "1"]
        said, status = b"", -1
        started = time.monotonic()
        try:
            done = subprocess.run(command, cwd=self.root, env=variables, capture_output=True, check=False, timeout=LIMIT)
            said, status = done.stdout + done.stderr, done.returncode
        except subprocess.TimeoutExpired:
            self.problems.append(f"{arguments[0]} hangs: {LIMIT} seconds")
        self.said = text = said.decode(errors="replace")
        if NEVER.search(text):
            self.problems.append(f"{arguments[0]} said, after {time.monotonic() - started:.0f} s: {text[-1500:]}")
        if status == 3 and not text.strip():
            self.problems.append(f"{arguments[0]} does not say why it failed")
        self._look_for_secrets(said, variables["AWS_SECRET_ACCESS_KEY"])
        return status

    def archive(self, *, direct: bool = False) -> int:
        return self.run("archive", str(self.manifest), direct=direct)

    def restore(self, name: str, *, direct: bool = False, store: str = "") -> int:
        """Status of a restore into `name` from the bucket or another store; success with other bytes than the source's is a problem."""
        target = self.root / name
        status = self.run("restore", "site", str(target), "--payload-only", "--from", store or self.url, home=f"home-{name}", direct=direct)
        if status == 0 and contents(target) != contents(self.source):
            self.problems.append("restore ended with 0, and what it restored is not the source")
        if status != 0 and target.exists():
            self.problems.append(f"restore ended with {status}, and its destination is there as if it were whole")
        return status

    def expect(self, what: str, status: int, allowed: tuple[int, ...]) -> None:
        if status not in allowed:
            self.problems.append(f"{what} ended with {status}, not with one of {allowed}")

    def only_unreadable(self) -> bool:
        """Whether all that the command found is objects that a store which answers did not give, and so nothing of their bytes."""
        errors = [line for line in self.said.splitlines() if line.startswith("error:")]
        return bool(errors) and all(line.endswith("[unreadable]") for line in errors)

    def must_converge(self) -> None:
        """The same command again, without the fault, ends well, and what is stored restores."""
        self.expect("the rerun", self.archive(direct=True), (0,))
        self.must_restore()

    def must_restore(self, store: str = "") -> None:
        self.expect("restoring afterwards", self.restore(f"out-{self.random.getrandbits(32):x}", direct=True, store=store), (0,))

    def _look_for_secrets(self, said: bytes, secret: str) -> None:
        for canary in {secret.encode(), self.server.secret_key.encode()}:
            places = [str(path) for path in self.root.rglob("*") if path.is_file() and canary in path.read_bytes()]
            if canary in said:
                places.append("what was printed")
            if places:
                self.problems.append(f"the secret key is in {', '.join(places)}")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

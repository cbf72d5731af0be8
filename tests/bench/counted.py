"""One small collection in a real S3 server, and what each command asks of it: requests by kind, counted on the wire, objects, bytes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from strongroom.usecases.archive.known import RACY_NANOSECONDS
from tests.bench.place import environment
from tests.fixtures.seaweedfs import S3Server, make_bucket, running_server

if TYPE_CHECKING:
    from tests.faults.s3.proxy import Proxy

ROOT = Path(__file__).parents[2]
SMALL, LARGE = 8000, 5 << 20  # bytes of each file
KINDS = ("put", "get", "head", "list", "delete")
#: As the figures of docs/benchmarks.md were made, but that what was written is read back, as it is unless somebody says otherwise.
SETTINGS = "identify: false\nfixity: [sha256]\n"


@dataclass
class Counted:
    """`requests` by command and kind."""

    requests: dict[str, Counter[str]] = field(default_factory=dict)
    objects: int = 0
    packs: int = 0
    large: int = 0
    bytes: dict[str, int] = field(default_factory=dict)  # stored below packs, content, bags, …


def kind_of(start: str) -> str:
    """"GET /bucket/key HTTP/1.1" → "get"; POST counts as put, as it is paid."""
    method, target, _ = start.split(" ")
    if method == "GET" and ("list-type=" in target or "?uploads" in target or "&uploads" in target or "?versions" in target):
        return "list"
    return {"POST": "put"}.get(method, method.lower())


@contextmanager
def counting() -> Iterator[Count]:
    """Servers for as many collections as are wanted."""
    from tests.faults.s3.proxy import Proxy

    with running_server() as server:
        proxy = Proxy(server.endpoint)
        try:
            make_bucket(server.client(), "counted")
            yield Count(server, proxy)
        finally:
            proxy.close()


class Count:
    def __init__(self, server: S3Server, proxy: Proxy) -> None:
        self.server, self.proxy = server, proxy

    def collection(self, root: Path, small: int, large: int) -> Counted:
        """Archive so many files (equal lengths, no two alike) once, audit all of it, restore it, and archive it again unchanged."""
        random = Random(f"{small} {large}")
        source = root / "source"
        for number in range(small):
            folder = source / f"{number // 1000:04}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number:07}.txt").write_bytes(random.randbytes(SMALL))
        source.mkdir(exist_ok=True)
        for number in range(large):  # last in the order of names, as they are cut into batches
            (source / f"large-{number:04}.bin").write_bytes(random.randbytes(LARGE))
        time.sleep(RACY_NANOSECONDS / 1e9)  # a younger file is read again by the unchanged run, which then asks for more
        prefix = root.name
        (root / "counted.yaml").write_text(f"collection: counted\nsource: source\nstores: [s3://counted/{prefix}]\n{SETTINGS}")
        env = {**environment(root / "home"), **self.server.env, "AWS_ENDPOINT_URL": self.proxy.endpoint,
               "STRONGROOM_HOME": str(root / "state"), "STRONGROOM_MANIFESTS": str(root)}
        self._run(env, "store", "init", f"s3://counted/{prefix}")
        found = Counted()
        for command, arguments in (
            ("archive", ["archive", "counted"]), ("audit", ["audit", "--full"]),
            ("restore", ["restore", "counted", str(root / "restored")]), ("unchanged", ["archive", "counted"]),
        ):
            self.proxy.seen.clear()
            self._run(env, *arguments, "--quiet", "--no-prefect")
            found.requests[command] = Counter(kind_of(start) for start in self.proxy.seen)
            if command == "archive":
                self._stored(prefix, found)
        return found

    def _run(self, env: dict[str, str], *arguments: str) -> None:
        done = subprocess.run([sys.executable, "-m", "strongroom", *arguments], env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"strongroom {' '.join(arguments)}: {done.stdout}{done.stderr}")

    def _stored(self, prefix: str, found: Counted) -> None:
        sizes: Counter[str] = Counter()
        for page in self.server.client().get_paginator("list_objects_v2").paginate(Bucket="counted", Prefix=f"{prefix}/"):
            for entry in page.get("Contents", ()):
                top, _, rest = entry["Key"].removeprefix(f"{prefix}/").partition("/")
                if top != "probe":
                    found.objects += 1
                    found.packs += top == "packs" and rest.endswith(".tar")
                    found.large += top == "content"
                    sizes[top if rest else "store"] += entry["Size"]
        found.bytes = dict(sizes)

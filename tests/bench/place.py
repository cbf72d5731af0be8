"""The folder a benchmark works in: corpora made once, and a folder for each contestant."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Files at scale 1: those the targets speak of; of `large`, files of 1 GiB.
FILES = {"small": 100_000, "mixed": 5_000, "large": 4, "small-10k": 10_000}


@dataclass
class Bench:
    """Where, at what scale, and the servers that run."""

    folder: Path
    scale: float = 1.0
    s3: dict[str, str] = field(default_factory=dict)  # AWS_ variables
    s3_pid: int = 0
    prefect: dict[str, str] = field(default_factory=dict)

    def corpus(self, name: str) -> Path:
        """The corpus, made if it is not there."""
        size = []
        count = max(1, round(FILES[name] * self.scale))
        if name == "large":
            count, size = 4, ["--size", str(max(1 << 20, round((1 << 30) * self.scale)))]
        return make_corpus(self.folder / "corpora" / f"{name}-{self.scale:g}", name.partition("-")[0], count, size)

    def run(self, name: str) -> Path:
        """An empty folder for a contestant."""
        folder = self.folder / "runs" / name
        remove(folder)
        folder.mkdir(parents=True)
        return folder


def make_corpus(folder: Path, profile: str, files: int, more: list[str]) -> Path:
    """The corpus in `folder`; one that was cut off is made again."""
    if not made_mark(folder).exists():
        remove(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "corpus.generate", "--profile", profile, "--files", str(files), *more, str(folder)]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        made_mark(folder).touch()
    return folder


def made_mark(corpus: Path) -> Path:
    """The file that says that a corpus is complete."""
    return corpus.with_name(f"{corpus.name}.made")


def remove(folder: Path) -> None:
    """Remove a folder, however its modes are."""
    for parent, folders, _ in os.walk(folder):
        for name in folders:
            with contextlib.suppress(OSError):
                os.chmod(os.path.join(parent, name), 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def environment(home: Path) -> dict[str, str]:
    """What every contestant gets: no settings of the person who runs this, a home of its own."""
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    return {**kept, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
            "DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_HOME": str(home / "prefect")}


@contextlib.contextmanager
def servers(bench: Bench, *, s3: bool, prefect: bool) -> Iterator[Bench]:
    """The servers that the chosen rows want, for as long as they are measured."""
    with contextlib.ExitStack() as stack:
        if s3:
            from tests.fixtures.seaweedfs import make_bucket, running_server

            server = stack.enter_context(running_server())
            make_bucket(server.client(), "bench")
            bench.s3, bench.s3_pid = server.env, server.pid
        if prefect:
            bench.prefect = stack.enter_context(_prefect(bench.folder / "prefect-server"))
        yield bench


@contextlib.contextmanager
def _prefect(folder: Path) -> Iterator[dict[str, str]]:
    import time
    import urllib.error
    import urllib.request

    from tests.fixtures.seaweedfs import free_ports

    remove(folder)
    port = free_ports(1)[0]
    url = f"http://127.0.0.1:{port}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (folder.with_suffix(".log")).open("wb") as log:
        process = subprocess.Popen(command, env=environment(folder), stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        for _ in range(240):
            with contextlib.suppress(urllib.error.URLError, OSError):
                urllib.request.urlopen(f"{url}/health", timeout=5).close()
                break
            time.sleep(0.5)
        else:
            raise RuntimeError(f"the Prefect server did not start; see {folder.with_suffix('.log')}")
        yield {"PREFECT_API_URL": url}
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

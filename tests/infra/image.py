"""Build the image of infra/compose and run compose.yaml in containers: `python -m tests.infra.image`, as root on Linux, in some minutes.

Docker Compose drives Podman (tests/infra/engine.py, which says what stands for images that cannot be had offline). What a process of this
machine is spared, as tests/infra/composed.py starts it, every service meets here: a user that is not root, no capabilities, a file system
that is read-only, networks without a way out, a small /dev/shm. It installs nothing; what it needs and does not find, it says.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

import strongroom
from tests.fixtures.seaweedfs import _weed
from tests.infra.composed import ROOT, services
from tests.infra.engine import Engine, alone, borrowed, missing, settle
from tests.infra.processes import descendants

PATIENCE: Final = 300  # seconds until every service is well
#: The words of a file system that lets nobody write.
REFUSED: Final = re.compile(r"read-only file system|permission denied|operation not permitted|errno 30", re.IGNORECASE)


def main() -> int:
    if lacks := missing():
        print(f"this needs {', '.join(lacks)}", file=sys.stderr)
        return 3
    match sys.argv[1:]:
        case ["--build", folder]:
            settle(Path(folder) / "engine")
            build(Engine(Path(folder) / "engine"), Path(folder) / "checkout")
        case ["--services", folder]:
            settle(Path(folder) / "engine")
            Services(Engine(Path(folder) / "engine"), Path(folder) / "checkout").run()
        case _:
            return whole()
    return 0


def whole() -> int:
    """Both steps, each in namespaces of its own: only the first one meets a network."""
    folder = Path(tempfile.mkdtemp(prefix="image-"))
    before = control_groups()
    try:
        take_checkout(folder / "checkout")
        for step, network in (("--build", True), ("--services", False)):
            again = [sys.executable, "-m", "tests.infra.image", step, str(folder)]
            done = subprocess.run(alone(again, network=network), cwd=ROOT, check=False,
                                  env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"})
            if done.returncode:
                return 1
    finally:
        for group in sorted(control_groups() - before, reverse=True):
            group.rmdir()
        shutil.rmtree(folder)
    return 0


def control_groups() -> set[Path]:
    """Those that Podman makes."""
    return {path for top in Path("/sys/fs/cgroup").glob("**/libpod_parent") for path in (top, *top.glob("**/")) if path.is_dir()}


def take_checkout(to: Path) -> None:
    """What a person has when they follow infra/README.md: secrets lie there before anything is built."""
    for name in ("pyproject.toml", "README.md", "src", "flows", "schemas", "infra", "corpus"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("secrets"))
        else:
            to.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, to)
    (to / "src" / "strongroom" / "__pycache__").mkdir(exist_ok=True)
    (to / "src" / "strongroom" / "__pycache__" / "old.pyc").touch()
    subprocess.run([to / "infra" / "compose" / "make-secrets"], check=True)


@contextmanager
def told(what: str) -> Iterator[None]:
    """`what` is said when it was done, with the time that it took."""
    begin = time.monotonic()
    yield
    print(f"{what} ({time.monotonic() - begin:.0f} s)", flush=True)


# -- the image

def build(engine: Engine, checkout: Path) -> None:
    described, containerfile = services(), checkout / "infra" / "compose" / "Containerfile"
    base = re.findall(r"^FROM (\S+)", containerfile.read_text(), re.MULTILINE)
    assert len(set(base)) == 1, base
    with told("a Debian with Python was made"):
        engine.make_python(base[0])
    engine.make_postgres(described["catalogue"]["image"])
    engine.make_seaweedfs(described["s3"]["image"])
    assert_sent(engine, checkout, containerfile)
    name = described["worker-1"]["image"]
    with told(f"{name} was built"):
        engine.build(containerfile, checkout, name)
    contained = ["run", "--rm", "--network=none", "--read-only", "--read-only-tmpfs=false", "--cap-drop=ALL",
                 "--security-opt=no-new-privileges", name]
    assert engine(*contained).startswith("usage: strongroom")
    assert engine(*contained, "strongroom", "--version").splitlines()[0] == f"strongroom {strongroom.__version__}"
    assert engine(*contained, "id", "-u").strip() == "10001"
    # Nothing is the user's but the folders that volumes are mounted at, and nobody can write beside them.
    with files_of(engine, name) as top:
        owned = {str(path.relative_to(top)) for path in top.rglob("*") if path.lstat().st_uid == 10001}
    assert owned == {"restored", "var/lib/strongroom"}, owned
    print("it runs below a read-only file system, as user 10001, without capabilities", flush=True)


def assert_sent(engine: Engine, checkout: Path, containerfile: Path) -> None:
    """What the list beside the container file lets through: no secrets, nothing compiled, nothing that is not wanted."""
    probe = engine.folder / "probe"
    probe.write_text("FROM scratch\nCOPY . /\n")
    engine("build", "--file", probe, "--ignorefile", f"{containerfile}.dockerignore", "--tag", "sent", checkout)
    with files_of(engine, "sent") as top:
        sent = {str(path.relative_to(top)) for path in top.rglob("*")}
    engine("rmi", "sent")
    assert {"pyproject.toml", "src/strongroom/__init__.py", "infra/compose/with-secrets"} <= sent
    assert not [path for path in sent if re.search(r"(^|/)(secrets|__pycache__|corpus)(/|$)", path)]


@contextmanager
def files_of(engine: Engine, name: str) -> Iterator[Path]:
    try:
        yield Path(engine("image", "mount", name).strip())
    finally:
        engine("image", "umount", name)


# -- the services

class Services:
    """All of compose.yaml, as infra/README.md says to use it."""

    def __init__(self, engine: Engine, checkout: Path) -> None:
        self.engine, self.checkout, self.described = engine, checkout, services()
        programs = {"volumes": borrowed()}
        lent = engine.folder / "lent.yaml"
        lent.write_text(yaml.safe_dump({"services": {
            "prefect-database": programs, "catalogue": programs,
            "s3": {"volumes": [*borrowed(), f"{Path(_weed()).resolve()}:/opt/bin/weed:ro"]}}}))
        compose = shutil.which("docker-compose", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
        if compose is None:
            raise RuntimeError("docker-compose is among the development dependencies")
        self._compose: list[str | Path] = [compose, "-f", checkout / "infra" / "compose" / "compose.yaml", "-f", lent]

    def compose(self, *arguments: str) -> str:
        return self.engine.run(*self._compose, *arguments)

    def worker(self, *command: str) -> str:
        """As the README's `in`."""
        return self.compose("exec", "--no-TTY", "worker-1", "with-secrets", *command)

    def run(self) -> None:
        with self.engine.listening():
            try:
                with told("every service is well"):
                    self.compose("up", "--detach", "--no-build")
                    self.wait()
                self.assert_contained()
                self.assert_pages()
                with told("archived, audited and restored, identical to the source"):
                    self.work()
                self.assert_nothing_refused()
                print("no service asked for what it may not", flush=True)
            except BaseException:
                for name, log in self.logs().items():
                    print(f"== {name}\n{log[-3000:]}", file=sys.stderr)
                raise
            finally:
                self.compose("down", "--volumes", "--timeout", "10")

    def containers(self) -> dict[str, dict[str, Any]]:
        return {name: self.engine.described(f"strongroom-{name}-1") for name in self.described}

    def logs(self) -> dict[str, str]:
        return {name: self.compose("logs", "--no-color", "--no-log-prefix", name) for name in self.described}

    def wait(self) -> None:
        """Until what serves is healthy; the rest has ended with 0."""
        end = time.monotonic() + PATIENCE
        while True:
            states = {name: one["State"] for name, one in self.containers().items()}
            ill = {name for name, state in states.items() if not (
                state["Health"]["Status"] == "healthy" if "healthcheck" in self.described[name]
                else state["Status"] == "exited" and state["ExitCode"] == 0)}
            if not ill:
                return
            assert time.monotonic() < end, (ill, states)
            time.sleep(1)

    def assert_contained(self) -> None:
        """As the kernel has it, for every process of every service that runs."""
        seen = 0
        for name, one in self.containers().items():
            if one["State"]["Status"] != "running":
                continue
            user = int(self.described[name]["user"].partition(":")[0])
            first = one["State"]["Pid"]
            for process in (Path("/proc", str(pid)) for pid in (first, *descendants(first))):
                status = dict(re.findall(r"^(\w+):\s*(.*)$", (process / "status").read_text(), re.MULTILINE))
                assert set(status["Uid"].split()) == {str(user)} and status["NoNewPrivs"] == "1", (name, status)
                assert {int(status[f"Cap{which}"], 16) for which in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {0}, (name, status)
                root = next(line.split() for line in (process / "mountinfo").read_text().splitlines() if line.split()[4] == "/")
                assert "ro" in root[5].split(","), (name, root)
                seen += 1
        assert seen >= 2 * sum("healthcheck" in one for one in self.described.values())  # each with its init
        print(f"{seen} processes: none root, none with a capability, each below a read-only file system", flush=True)

    def assert_pages(self) -> None:
        """Prefect's pages, at the one port that is published."""
        with urllib.request.urlopen("http://127.0.0.1:4200/", timeout=60) as answer:
            page = answer.read().decode()
        (script,) = re.findall(r'<script type="module"[^>]* src="(/[^"]+)"', page)
        with urllib.request.urlopen(f"http://127.0.0.1:4200{script}", timeout=60) as answer:
            assert answer.status == 200 and len(answer.read()) > 1000

    def work(self) -> None:
        for job, parameters in (("archive", []), ("audit", []), ("restore", ["--param", 'dest="/restored/lanternmoor"'])):
            said = self.worker("prefect", "deployment", "run", f"{job}/{job}", *parameters, "--watch")
            assert "finished successfully" in said and "http://127.0.0.1:4200/runs/" in said, said
        self.worker("diff", "-r", "--no-dereference", "/sources", "/restored/lanternmoor/data")
        (bag,) = json.loads(self.worker("strongroom", "list", "--json"))["bags"]
        assert bag["bag"] == "lanternmoor/v1" and bag["files"] > 100, bag

    def assert_nothing_refused(self) -> None:
        refused = [(name, line) for name, log in self.logs().items() for line in log.splitlines() if REFUSED.search(line)]
        assert not refused, refused


if __name__ == "__main__":
    sys.exit(main())

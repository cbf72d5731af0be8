"""A collection with its source, stores and home in one folder, and the real command line to run on it."""

from __future__ import annotations

import ctypes
import json
import os
import random
import secrets
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
#: Given to every command as a credential; it must turn up nowhere (oracle, f).
CANARY = "canary" + secrets.token_hex(12)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell has it in the background; commands would inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True)
class Result:
    """What a command gave back. A negative status is the signal that ended it."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err

    def report(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.out)
        return document

    def codes(self) -> set[str]:
        """The findings of a `--json` report."""
        return {finding["code"] for finding in self.report()["findings"]}


@dataclass
class Place:
    """`stores` are folder names below `root`, or URLs; the first takes new bags."""

    root: Path
    stores: list[str] = field(default_factory=lambda: ["store"])
    name: str = "site"
    home: str = "home"
    settings: str = ""
    env: dict[str, str] = field(default_factory=dict)

    @property
    def source(self) -> Path:
        return self.root / "source"

    @property
    def store(self) -> Path:
        return self.root / self.stores[0]

    @property
    def manifest(self) -> Path:
        """The collection manifest, written anew. Every loss is accepted: rows delete what they like."""
        file = self.root / f"{self.name}.yaml"
        file.write_text(f"collection: {self.name}\nsource: source\nstores: [{', '.join(self.stores)}]\nmax_loss: 1.0\n{self.settings}")
        return file

    def make(self, files: Mapping[str, bytes] | None = None) -> Place:
        """With a source of three small files (or `files`) and its stores; gives itself."""
        self.source.mkdir(parents=True)
        for name, data in (files or {"a.txt": b"alpha\n", "b/b.txt": b"beta\n", "b/copy of a": b"alpha\n"}).items():
            self.write(name, data)
        for store in self.stores:
            made = self.run("store", "init", store)
            assert made.status == 0, made.err
        return self

    def write(self, name: str, data: bytes) -> Path:
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def edit(self, chance: random.Random) -> None:
        """A new file, a changed one, and now and then one less."""
        self.write(f"new/{chance.randrange(10**9)}", chance.randbytes(chance.randrange(1, 3000)))
        self.write("changing.txt", chance.randbytes(200))
        if chance.random() < 0.4:
            chance.choice(sorted(path for path in self.source.rglob("*") if path.is_file())).unlink()

    # -- running commands

    def archive(self, *options: str, **how: Any) -> Result:
        return self.run("archive", self.manifest, "--no-prefect", "--quiet", "--workers", "1", "--json", *options, **how)

    def run(self, *arguments: str | Path, fault: Mapping[str, Any] | None = None, timeout: float = 300, **how: Any) -> Result:
        with self.start(*arguments, fault=fault, **how) as process:
            return finish(process, timeout)

    def start(self, *arguments: str | Path, fault: Mapping[str, Any] | None = None, **how: Any) -> subprocess.Popen[str]:
        """The command, leading a session of its own. `fault`: see inject/sitecustomize.py."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "STRONGROOM_", "AWS_"))}
        path = [str(ROOT / "src"), str(ROOT)]
        if fault:
            path.insert(0, str(Path(__file__).parent / "inject"))
        environment = {
            **kept, "PYTHONPATH": os.pathsep.join(path), "HOME": str(self.root), "STRONGROOM_HOME": str(self.root / self.home),
            "PREFECT_HOME": str(self.root / "prefect"), "STRONGROOM_FAULT": json.dumps(fault or {}),
            **({} if "AWS_PROFILE" in self.env else {"AWS_ACCESS_KEY_ID": CANARY, "AWS_SECRET_ACCESS_KEY": CANARY}), **self.env,
        }
        return subprocess.Popen(
            [sys.executable, "-m", "strongroom", *map(str, arguments)], cwd=self.root, env=environment, text=True, errors="replace",
            start_new_session=True, **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how},
        )


def without_privileges() -> None:
    """For `preexec_fn`: root that may not read what permissions forbid (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH are gone after exec)."""
    if os.geteuid() == 0:
        library = ctypes.CDLL(None, use_errno=True)
        for capability in (1, 2):
            if library.prctl(24, capability, 0, 0, 0) != 0:  # PR_CAPBSET_DROP
                raise OSError(ctypes.get_errno(), "PR_CAPBSET_DROP")


def finish(process: subprocess.Popen[str], timeout: float = 300) -> Result:
    """Wait for a command; one that hangs is ended and fails the row."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        kill_session(process.pid)
        process.communicate()
        raise
    return Result(process.returncode, out, err)


def wait_until_stopped(process: subprocess.Popen[str], timeout: float = 300) -> bool:
    """Until a process of the command stopped itself (`stop_after`); False if the command ended first."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if "T" in {state for _, state in session(process.pid)}:
            return True
        if process.poll() is not None:
            return False
        time.sleep(0.01)
    raise TimeoutError("the command neither stopped nor ended")


def go_on(process: subprocess.Popen[str]) -> None:
    for pid, _ in session(process.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def kill_session(leader: int) -> None:
    for pid, _ in session(leader):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def session(leader: int) -> list[tuple[int, str]]:
    """(pid, state) of every process in a session, zombies left out."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            with suppress(OSError):
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(") ")[2].split()
                if int(fields[3]) == leader and fields[0] not in "ZX":
                    found.append((int(entry), fields[0]))
    return found


def orphans(leader: int, seconds: float = 120) -> list[int]:
    """Processes of a session whose leader is gone, after giving them time to notice."""
    deadline = time.monotonic() + seconds
    while (left := [pid for pid, _ in session(leader)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def snapshot(folder: Path) -> dict[bytes, tuple[object, ...]]:
    """Everything below a folder with what must stay the same: kind, mode, time, bytes or target."""
    root = os.fsencode(folder)
    found: dict[bytes, tuple[object, ...]] = {}
    for where, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(where, name)
            info = os.lstat(path)
            data: bytes | None = None
            if stat.S_ISREG(info.st_mode):
                with open(path, "rb") as file:
                    data = file.read()
            elif stat.S_ISLNK(info.st_mode):
                data = os.readlink(path)
            found[os.path.relpath(path, root)] = (info.st_mode, info.st_mtime_ns, info.st_ino, data)
    return found


def payload(folder: Path) -> dict[str, bytes]:
    """The regular files below a folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}

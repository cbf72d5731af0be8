"""Who takes part: Strongroom, the programs people would use instead, and the floors."""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.bench.machine import versions
from tests.bench.place import Bench, environment, remove

Act = Callable[[], None]


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Contestant:
    """`setup` once and `before` each time are not measured; the command is. `stored`: the folder whose bytes are what it keeps."""

    name: str
    command: list[str]
    env: Mapping[str, str]
    setup: Act = _nothing
    before: Act = _nothing
    stored: Path | None = None
    needs: str = ""  # a program
    prepare: Callable[[], list[str]] | None = None  # the command, where it differs from run to run
    cwd: Path | None = field(default=None)

    def missing(self) -> bool:
        return bool(self.needs) and self.needs not in versions()


def _call(command: list[str], env: Mapping[str, str]) -> None:
    done = subprocess.run(command, env=dict(env), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:4])} … ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")


# -- Strongroom

FAST = "identify: false\nreadback: false\nfixity: [sha256]\n"
FAST_512 = "identify: false\nreadback: false\nfixity: [sha256, sha512]\n"
ZSTD = FAST + "compression: zstd\n"


def program() -> list[str]:
    """The installed console script, or the package itself."""
    script = shutil.which("strongroom", path=os.path.dirname(sys.executable))
    return [script] if script else [sys.executable, "-m", "strongroom"]


class Ours:
    """Strongroom with a store, a home and a collection manifest of its own, below runs/NAME."""

    def __init__(self, bench: Bench, name: str, corpus: Path, settings: str = FAST, *, s3: bool = False, prefect: bool = False,
                 accelerated: bool = True, workers: int = 0) -> None:
        self.bench, self.name, self.corpus, self.settings, self.s3 = bench, name, corpus, settings, s3
        self.folder = bench.folder / "runs" / name
        more = {**(bench.s3 if s3 else {}), **(bench.prefect if prefect else {}), "STRONGROOM_HOME": str(self.folder / "home")}
        if not accelerated:
            more["STRONGROOM_NO_ACCELERATOR"] = "1"
        self.accelerated = accelerated
        self.workers = ["--workers", str(workers)] if workers else []  # 0: as many as there are cores
        self.env = {**environment(bench.folder / "homes" / name), **more}
        self.engine = "--prefect" if prefect else "--no-prefect"
        self.store = self.folder / "store"

    def fresh(self) -> None:
        """An empty store, nothing known."""
        self.bench.run(self.name)
        url = f"s3://bench/{secrets.token_hex(8)}" if self.s3 else str(self.store)
        _call([*program(), "store", "init", url], self.env)
        manifest = f"collection: bench\nsource: {self.corpus}\nstores: ['{url}']\n{self.settings}"
        (self.folder / "bench.yaml").write_text(manifest)

    def archive_command(self) -> list[str]:
        return [*program(), "archive", str(self.folder / "bench.yaml"), self.engine, "--quiet", *self.workers]

    def filled(self) -> None:
        """A store with one bag."""
        self.fresh()
        _call(self.archive_command(), self.env)

    def archive(self, who: str = "strongroom") -> Contestant:
        stored = None if self.s3 else self.store
        return Contestant(who, self.archive_command(), self.env, before=self.fresh, stored=stored, needs=self._needs())

    def _needs(self) -> str:
        """Without the accelerator it is another contestant only where there is one."""
        return "" if self.accelerated else "libIPSec_MB"

    def again(self) -> Contestant:
        return Contestant("strongroom", self.archive_command(), self.env, setup=self.filled)

    def audit(self) -> Contestant:
        return Contestant("strongroom", [*program(), "audit", self.engine, "--quiet"], self.env, setup=self.filled)

    def restore(self, who: str = "strongroom") -> Contestant:
        def command(dest: Path) -> list[str]:
            return [*program(), "restore", "bench", str(dest), "--payload-only", self.engine, "--quiet"]

        prepare = _into_new(self.folder, command)
        return Contestant(who, prepare(), self.env, setup=self.filled, prepare=prepare, needs=self._needs())

    def verb(self, *arguments: str) -> Contestant:
        return Contestant("strongroom", [*program(), *arguments], self.env, setup=self.filled)


def _into_new(folder: Path, command: Callable[[Path], list[str]]) -> Callable[[], list[str]]:
    """Commands that restore into one new folder after the other. Nothing is removed before the row is over: for minutes ext4 looks at each
    inode that was just freed before it takes another, and every run would be slower than the one before."""
    numbers = itertools.count()
    return lambda: command(folder / f"out-{next(numbers)}")


# -- the others

class Restic:
    def __init__(self, bench: Bench, name: str, corpus: Path, *, s3: bool = False) -> None:
        self.bench, self.name, self.corpus, self.s3 = bench, name, corpus, s3
        self.folder = bench.folder / "runs" / name
        self.env = {**environment(bench.folder / "homes" / name), **(bench.s3 if s3 else {}), "RESTIC_PASSWORD": "bench"}
        self.env["RESTIC_REPOSITORY"] = str(self.folder / "repository")

    def fresh(self) -> None:
        self.bench.run(self.name)
        if self.s3:
            self.env["RESTIC_REPOSITORY"] = f"s3:{self.bench.s3['AWS_ENDPOINT_URL']}/bench/{secrets.token_hex(8)}"
        _call(["restic", "init"], self.env)

    def filled(self) -> None:
        self.fresh()
        _call(["restic", "backup", "-q", str(self.corpus)], self.env)

    def _made(self, *command: str, **acts: Act) -> Contestant:
        stored = None if self.s3 else self.folder / "repository"
        return Contestant("restic", ["restic", *command], self.env, needs="restic", stored=stored, **acts)

    def backup(self) -> Contestant:
        return self._made("backup", "-q", str(self.corpus), before=self.fresh)

    def again(self) -> Contestant:
        return self._made("backup", "-q", str(self.corpus), setup=self.filled)

    def check(self) -> Contestant:
        return self._made("check", "-q", "--read-data", setup=self.filled)

    def restore(self) -> Contestant:
        prepare = _into_new(self.folder, lambda dest: ["restic", "restore", "-q", "latest", "--target", str(dest)])
        return replace(self._made(*prepare()[1:], setup=self.filled), prepare=prepare)


class Borg:
    def __init__(self, bench: Bench, name: str, corpus: Path) -> None:
        self.bench, self.name, self.corpus = bench, name, corpus
        self.folder = bench.folder / "runs" / name
        self.env = {**environment(bench.folder / "homes" / name), "BORG_BASE_DIR": str(bench.folder / "homes" / name),
                    "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes", "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes"}
        self.repository = str(self.folder / "repository")

    def fresh(self) -> None:
        self.bench.run(self.name)
        remove(self.bench.folder / "homes" / self.name)
        environment(self.bench.folder / "homes" / self.name)
        _call(["borg", "init", "-e", "none", self.repository], self.env)

    def _create(self) -> list[str]:
        return ["borg", "create", f"{self.repository}::one", str(self.corpus)]

    def filled(self) -> None:
        self.fresh()
        _call(self._create(), self.env)

    def create(self) -> Contestant:
        return Contestant("borg", self._create(), self.env, before=self.fresh, stored=Path(self.repository), needs="borg")

    def check(self) -> Contestant:
        return Contestant("borg", ["borg", "check", "--verify-data", self.repository], self.env, setup=self.filled, needs="borg")


def bagit(bench: Bench, name: str, corpus: Path, *algorithms: str) -> Contestant:
    """bagit-python makes a bag in place; it gets a tree of links to the files."""
    env = environment(bench.folder / "homes" / name)
    copy = bench.folder / "runs" / name / "bag"

    def fresh() -> None:
        bench.run(name)
        _call(["cp", "-al", str(corpus), str(copy)], env)

    command = [sys.executable, "-m", "bagit", "--quiet", "--processes", str(os.cpu_count()), *(f"--{one}" for one in algorithms), str(copy)]
    return Contestant("bagit-python", command, env, before=fresh, needs="bagit-python")


def rclone(bench: Bench, name: str, corpus: Path) -> Contestant:
    env = {**environment(bench.folder / "homes" / name), "RCLONE_S3_PROVIDER": "Other", "RCLONE_S3_ENV_AUTH": "true",
           "RCLONE_S3_ENDPOINT": bench.s3.get("AWS_ENDPOINT_URL", ""), **bench.s3, "RCLONE_CONFIG": os.devnull}
    return Contestant("rclone", [], env, needs="rclone",
                      prepare=lambda: ["rclone", "copy", "-q", str(corpus), f":s3:bench/{secrets.token_hex(8)}"])


def hashdeep(bench: Bench, name: str, corpus: Path) -> Contestant:
    command = ["hashdeep", "-c", "sha256", "-r", str(corpus)]
    return Contestant("hashdeep", command, environment(bench.folder / "homes" / name), needs="hashdeep")


def floor(bench: Bench, name: str, corpus: Path, what: str) -> Contestant:
    """The read-and-hash floor, or the hash-and-copy one."""
    env = environment(bench.folder / "homes" / name)
    dest = bench.folder / "runs" / name / "copy"
    command = [sys.executable, "-m", "tests.bench.floor", what, str(corpus), *([str(dest)] if what == "copy" else [])]
    return Contestant(f"floor: {what}", command, env, before=lambda: (bench.run(name), None)[1])

"""Several machines, each with a STRONGROOM_HOME of its own, one catalogue in PostgreSQL and one S3 server archive collections that share
contents, while they are killed: `python -m tests.database.machines [--kills 20] [--collections 8] [--files 1000] [--shared 100]`.

What may not happen is said in tests/database/trial.py. `--machines 1` beside `--machines 2`, no kills, is the throughput.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from tests.database.trial import BUSY, Plan, Trial
from tests.fixtures.postgres import PostgresServer, running_postgres
from tests.fixtures.seaweedfs import S3Server, make_bucket, running_server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROOT = Path(__file__).parents[2]
_BUCKET = "machines"
_LONG = 1800  # seconds that one command may take
_ENDS_IN = (0.0, 6.0)  # seconds after it began in which a command that is to be killed is


class Machines(Trial):
    """The machines' homes, sources and manifests lie below `root`."""

    def __init__(self, root: Path, plan: Plan, s3: S3Server, postgres: PostgresServer) -> None:
        super().__init__(plan, root, root, _BUCKET, root.name)
        self.root, self._s3, self._postgres = root, s3, postgres
        self._place = postgres.place(root)
        self._waiting = deque(self.names)
        self._lock = threading.Lock()
        self._kills_left = plan.kills
        make_bucket(self.client(), _BUCKET)

    def command(self, machine: int, *arguments: str) -> subprocess.CompletedProcess[str]:
        with self._start(machine, *arguments) as process:
            output, errors = process.communicate(timeout=_LONG)
        return self.done(arguments, process.returncode, output, errors)

    def client(self) -> S3Client:
        return self._s3.client()

    def archive_all(self) -> None:
        machines = [threading.Thread(target=self._work, args=(number,)) for number in range(self.plan.machines)]
        for machine in machines:
            machine.start()
        for machine in machines:
            machine.join()

    def _work(self, machine: int) -> None:
        """Take one collection after the other; one whose run was killed goes back to where everybody takes from."""
        while True:
            with self._lock:
                if not self._waiting:
                    return
                name = self._waiting.popleft()
                delay = self.chance.uniform(*_ENDS_IN) if self._kills_left > 0 else None
                self._kills_left -= delay is not None
            status, errors = self._archive(machine, name, delay)
            with self._lock:
                self._kills_left += delay is not None and status != -signal.SIGKILL
                if status == -signal.SIGKILL:
                    self.outcome.kills += 1
                elif status == 0:
                    # Archived again by whoever comes next, as long as there are kills to spend: nothing has changed, and nothing may.
                    if self._kills_left > 0:
                        self._waiting.append(name)
                    continue
                elif BUSY in errors:
                    self.outcome.busy += 1
                else:
                    self.done(("archive", name), status, "", errors)
                    continue
                self._waiting.append(name)

    def _archive(self, machine: int, name: str, delay: float | None) -> tuple[int, str]:
        with self._start(machine, "archive", str(self.manifests / f"{name}.yaml"), "--quiet", "--workers", "1") as process:
            try:
                _, errors = process.communicate(timeout=_LONG if delay is None else delay)
            except subprocess.TimeoutExpired:
                process.kill()  # the command alone: its workers are left to notice, as after any death
                _, errors = process.communicate(timeout=_LONG)
            return process.returncode, errors

    def _start(self, machine: int, *arguments: str) -> subprocess.Popen[str]:
        environment = {
            **os.environ, **self._s3.env, **self._postgres.env(self._place), "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
            "STRONGROOM_HOME": str(self.root / f"machine-{machine}"), "STRONGROOM_MANIFESTS": str(self.root), "STRONGROOM_RUNNER": "local",
        }
        return subprocess.Popen([sys.executable, "-m", "strongroom", *arguments], env=environment, text=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


def main() -> int:
    plan = Plan.asked(__doc__)
    with running_server() as s3, running_postgres() as postgres, tempfile.TemporaryDirectory(prefix="machines-") as folder:
        return Machines(Path(folder), plan, s3, postgres).run().told()


if __name__ == "__main__":
    sys.exit(main())
